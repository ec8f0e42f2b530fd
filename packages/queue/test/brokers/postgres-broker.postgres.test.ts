import { postgresKind } from "./broker-kinds.ts";
import { describeBroker } from "./conformance-suite.ts";

describeBroker(postgresKind);

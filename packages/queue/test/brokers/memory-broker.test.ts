import { memoryKind } from "./broker-kinds.ts";
import { describeBroker } from "./conformance-suite.ts";

describeBroker(memoryKind);

import { redisKind } from "./broker-kinds.ts";
import { describeBroker } from "./conformance-suite.ts";

describeBroker(redisKind);

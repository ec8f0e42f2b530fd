import { rabbitMqKind } from "./broker-kinds.ts";
import { describeBroker } from "./conformance-suite.ts";

describeBroker(rabbitMqKind);

import { describeBroker } from "./conformance-suite.ts";
import { openMemoryScene } from "./scenes.ts";

describeBroker({ kind: "memory", isCompeting: false, isRemote: false, open: openMemoryScene });

import { describeBroker } from "./conformance-suite.ts";
import { postgresRemote } from "./postgres-remote.ts";
import { openRemoteScene } from "./scenes.ts";

describeBroker({
  kind: "postgres",
  isCompeting: false,
  isRemote: true,
  open: () => openRemoteScene(postgresRemote),
});

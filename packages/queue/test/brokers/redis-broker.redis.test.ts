import { describeBroker } from "./conformance-suite.ts";
import { openRedisPlace, redisRemote } from "./redis-scene.ts";
import { openRemoteScene } from "./scenes.ts";

describeBroker({
  kind: "redis",
  isCompeting: true,
  isRemote: true,
  open: async () => openRemoteScene(redisRemote(await openRedisPlace())),
});

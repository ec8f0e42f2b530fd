import { join } from "node:path";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { folders } from "./server-folders.ts";
import { freePort, waitUntilReady } from "./start.ts";
import type { PeersState } from "./state.ts";

/**
 * Starts what the benchmarks of the queue need beside the test services: a PostgreSQL server whose
 * settings suit a machine that does nothing else, and Redis with its append-only file.
 */
export async function startPeers(directory: string, root: string): Promise<PeersState> {
  const postgresPort = await freePort(57_432);
  const redisPort = await freePort(57_379);
  const postgresLog = join(directory, "peers-postgres.log");
  await startPostgres(root, {
    folder: folders.peerPostgres,
    port: postgresPort,
    logPath: postgresLog,
    // A checkpoint in the middle of a run of seconds would be luck, good or bad.
    settings: ["--shared_buffers=1GB", "--max_wal_size=4GB", "--checkpoint_timeout=15min"],
  });
  await startRedis(root, {
    folder: folders.peerRedis,
    port: redisPort,
    logPath: join(directory, "redis.log"),
    // Other queues keep their jobs there, which must not be lost or refused.
    settings: [
      ...["--appendonly", "yes", "--appendfsync", "everysec"],
      ...["--maxmemory", "0", "--maxmemory-policy", "noeviction"],
    ],
  });
  await waitUntilReady(root, postgresPort, "postgres", postgresLog);
  return {
    postgresUrl: `postgres://postgres@127.0.0.1:${postgresPort}/postgres`,
    redisUrl: `redis://127.0.0.1:${redisPort}`,
  };
}

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runInRoot, spawnInRoot } from "./in-root.ts";
import { startPostgres } from "./postgres.ts";
import type { RootProcess } from "./root-processes.ts";
import { accepts, freePort, waitUntilReady } from "./start.ts";
import type { PeersState } from "./state.ts";

const clusterFolder = "/srv/postgres-peers";
const readyTimeoutMs = 30_000;

/** Whether a process of the private root belongs to the peers, and not to the test services. */
export function isPeerProcess({ name, words }: RootProcess): boolean {
  return name === "redis-server" || words.includes(clusterFolder);
}

/**
 * Starts what the benchmarks of the queue need beside the test services: a PostgreSQL server whose
 * settings suit a machine that does nothing else, and Redis with its append-only file.
 */
export async function startPeers(directory: string, root: string): Promise<PeersState> {
  const postgresPort = await freePort(57_432);
  const redisPort = await freePort(57_379);
  const postgresLog = join(directory, "peers-postgres.log");
  await startPostgres(root, {
    folder: clusterFolder,
    port: postgresPort,
    logPath: postgresLog,
    // A checkpoint in the middle of a run of seconds would be luck, good or bad.
    settings: ["--shared_buffers=1GB", "--max_wal_size=4GB", "--checkpoint_timeout=15min"],
  });
  await startRedis(root, redisPort, join(directory, "redis.log"));
  await waitUntilReady(root, postgresPort, "postgres", postgresLog);
  return {
    postgresUrl: `postgres://postgres@127.0.0.1:${postgresPort}/postgres`,
    redisUrl: `redis://127.0.0.1:${redisPort}`,
  };
}

async function startRedis(root: string, port: number, logPath: string): Promise<void> {
  await mkdir(join(root, "srv/redis"), { recursive: true });
  await runInRoot(root, "root", ["chown", "redis:redis", "/srv/redis"]);
  await spawnInRoot(root, "redis", logPath, [
    "/usr/bin/redis-server",
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", "/srv/redis"],
    ...["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"],
    // The append-only file is the durability; snapshots beside it would only cost.
    ...["--save", ""],
  ]);
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline) {
    if ((await accepts(port)) && (await answersPing(root, port))) return;
    await delay(100);
  }
  const log = await readFile(logPath, "utf8").catch(() => "");
  throw new Error(`redis-server did not answer within ${readyTimeoutMs / 1000} s:\n${log.slice(-2000)}`);
}

// While Redis still reads its append-only file it accepts connections and answers with an error.
async function answersPing(root: string, port: number): Promise<boolean> {
  return runInRoot(root, "redis", ["redis-cli", "-p", String(port), "ping"]).then(
    (output) => output.trim() === "PONG",
    () => false,
  );
}

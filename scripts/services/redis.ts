import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runInRoot, spawnInRoot } from "./in-root.ts";
import { accepts } from "./start.ts";

/** The settings of every Redis that we start or describe: these services and deploy/compose.yaml. */
const redisSettingsFile = join(import.meta.dirname, "../../deploy/redis.conf");

const readyTimeoutMs = 30_000;

export type RedisServer = {
  /** Where its files are, as seen inside the private root. */
  readonly folder: string;
  readonly port: number;
  readonly logPath: string;
  /** Beside the file's, as words of the command line; they count more. */
  readonly settings?: readonly string[];
};

/** Starts a Redis server inside the private root on loopback and waits until it answers. */
export async function startRedis(root: string, server: RedisServer): Promise<void> {
  const { folder, port, logPath, settings = [] } = server;
  await mkdir(join(root, folder), { recursive: true });
  await copyFile(redisSettingsFile, join(root, folder, "redis.conf"));
  await runInRoot(root, "root", ["chown", "-R", "redis:redis", folder]);
  await spawnInRoot(root, "redis", logPath, [
    "/usr/bin/redis-server",
    `${folder}/redis.conf`,
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...settings],
    // Redis hides its arguments behind a title of its own; the file in it says which server this is.
    ...["--proc-title-template", "{title} {listen-addr} {config-file}"],
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

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { sleep } from "@millrace/kernel";
import type { Redis } from "ioredis";
import { enterRoot } from "../../../scripts/services/in-root.ts";
import { servicesDirectory } from "../../../scripts/services/state.ts";
import { clockMs } from "../clock.ts";
import { emptyRedis, redisDatabases, withRedis } from "../place.ts";

const folder = "/srv/celery-bench";
/** For adding; and again for doing. */
const limitMs = 240_000;
const lookMs = 20;
/** What a worker does beside jobs, where there is only one worker, is off. */
const workerArguments = [
  ...["--app", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING"],
  ...["--without-gossip", "--without-mingle", "--without-heartbeat"],
];

/**
 * Adds so many jobs to Celery on Redis, then has one worker with two processes do them. Returns
 * how many a second, from the first start to the last acknowledgement.
 */
export async function measureCelery(count: number): Promise<number> {
  const root = path.join(servicesDirectory(), "root");
  await mkdir(path.join(root, folder), { recursive: true });
  await copyFile(path.join(import.meta.dirname, "tasks.py"), path.join(root, folder, "tasks.py"));
  const urls = {
    BROKER_URL: await emptyRedis(redisDatabases.celeryBroker),
    RESULT_URL: await emptyRedis(redisDatabases.celeryResults),
  };
  const add = startPython(root, urls, ["tasks.py", String(count)]);
  await once(add, "exit");
  if (add.exitCode !== 0) throw new Error(`Celery's jobs were not added (${add.exitCode ?? "killed"}).`);
  const worker = startPython(root, urls, ["-m", "celery", ...workerArguments]);
  try {
    return await withRedis(urls.BROKER_URL, (broker) =>
      withRedis(urls.RESULT_URL, (results) => measureDrain(broker, results, count)),
    );
  } finally {
    await killed(worker);
  }
}

async function measureDrain(broker: Redis, results: Redis, count: number): Promise<number> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const [waiting, unacknowledged] = await Promise.all([broker.llen("celery"), broker.hlen("unacked")]);
    if (waiting + unacknowledged === 0) break;
    if (performance.now() > deadline) throw new Error(`Celery left ${waiting + unacknowledged} jobs.`);
    await sleep(lookMs);
  }
  const endedMs = clockMs();
  // Python's monotonic clock is the same one.
  const firstStartMs = Number(await results.get("bench:first_start_ms"));
  return (count * 1000) / (endedMs - firstStartMs);
}

/**
 * The first process of a process namespace: its end is the end of all in it. It stays root, since a
 * process that changes its user forgets that it was to end with its parent. Its input ends when
 * this program does, however that was killed.
 */
const endWithInput =
  'exec 3<&0; unshare "$@" & child=$!; { cat <&3 >/dev/null; kill -KILL $child; } & wait $child; exit $?';

function startPython(root: string, urls: Readonly<Record<string, string>>, words: string[]): ChildProcess {
  const python = ["sh", "-c", `cd ${folder} && exec python3 "$@"`, "sh", ...words];
  const inRoot = enterRoot(root, "postgres", python);
  const namespace = ["--pid", "--fork", "--kill-child", "sh", "-c", endWithInput, "sh", ...inRoot];
  const child = spawn("unshare", namespace, {
    stdio: ["pipe", "ignore", "inherit"],
    env: {
      PATH: "/usr/bin:/bin:/usr/sbin",
      LANG: "C.UTF-8",
      HOME: "/tmp",
      PYTHONDONTWRITEBYTECODE: "1",
      ...urls,
    },
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

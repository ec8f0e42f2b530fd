/**
 * A program that goes through every commit of the queue: with a worker, upkeep without pause, and the
 * script. A test tells it by MILLRACE_CRASH_AT where to die, and starts it again after. As a survivor it
 * only runs jobs, until it is told to stop.
 */
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { lockFolder, openEmbedded, openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { sql } from "kysely";
import { createLogger } from "@millrace/kernel";
import { Queue } from "../../src/index.ts";
import type { AnyTaskHandler, QueueWorker } from "../../src/index.ts";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { LiveLimits } from "../../src/limits/live-limits.ts";
import { releaseParked } from "../../src/limits/release-parked.ts";
import { defaultRetention, pruneHistory } from "../../src/retention/prune.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { queueChores } from "../../src/worker/queue-chores.ts";
import { rollUpCounts } from "../../src/counts/count-jobs.ts";
import { readFacts } from "./facts.ts";
import { look, startPulse, watchCrashes } from "./health.ts";
import { Outside } from "./outside.ts";
import { createHandlers, survivorQueues } from "./victim-tasks.ts";
import { findTorn, VictimScript } from "./victim-script.ts";
import { beatMs, leaseMs, survivorName, victimSettings } from "./victim-settings.ts";

const pollMs = 100;
const settings = victimSettings(process.env);
const logger = createLogger({ level: "warn", name: settings.CRASH_LAUNCH });
const outside = new Outside(settings.CRASH_RECEIVER, settings.CRASH_LAUNCH);
// For this process alone, not for the children of its jobs. The thread that beats needs it.
if (process.env["MILLRACE_CRASH_AT"]?.startsWith("beat:") !== true) delete process.env["MILLRACE_CRASH_AT"];

const lock = settings.CRASH_FOLDER === undefined ? undefined : lockFolder(settings.CRASH_FOLDER);
const database = await open();
const broker = createMemoryBroker();
const handlers: AnyTaskHandler[] = createHandlers({
  database,
  outside,
  appendEvents: (scope, events) => queue.appendEvents(scope, events),
  isChild: false,
});
const queue: Queue = new Queue({ database, logger, handlers, broker });
const tellCrashes = watchCrashes(queue, { outside, logger });
const parts = { bus: queue.bus, registry: new TaskRegistry(handlers), broker };
const worker = queue.createWorker({
  name: settings.CRASH_LAUNCH,
  concurrency: 4,
  ...(settings.CRASH_ROLE === "survivor" ? { queues: survivorQueues } : {}),
  leaseMs,
  beatMs,
  pollMs,
  drainMs: 1_000,
  isolationEntry: new URL("./victim-child.ts", import.meta.url),
  ...(settings.CRASH_DATABASE_URL === undefined ? {} : { heartbeatUrl: settings.CRASH_DATABASE_URL }),
});

if (settings.CRASH_ROLE === "survivor") await survive();
else await runScript().catch(tellOpenJobs);
await database.close();
lock?.release();

function open(): Promise<Database> | Database {
  if (settings.CRASH_FOLDER !== undefined) return openEmbedded(settings.CRASH_FOLDER);
  return openPostgres({ url: settings.CRASH_DATABASE_URL ?? "", poolSize: 8, logger });
}

async function survive(): Promise<void> {
  const stopped = once(process, "SIGTERM");
  await worker.start();
  await outside.hello({ torn: [] });
  const endPulse = startPulse(worker, outside);
  const endUpkeep = keepUp(worker);
  await stopped;
  await endUpkeep();
  await worker.stop();
  await endPulse();
  await tellCrashes();
}

async function runScript(): Promise<void> {
  const watched = { database, outside };
  const torn = await findTorn(database);
  if (lock !== undefined) await queue.takeBackAll();
  const { acknowledged } = await outside.hello({ torn });
  const endPulse = startPulse(worker, outside);
  const workerName = settings.CRASH_LAUNCH;
  const script = new VictimScript({ database, queue, outside, acknowledged, workerName });
  await script.beforeWorker();
  await look(watched, "before work", [survivorName]);
  await worker.start();
  await look(watched, "at work", [survivorName, workerName]);
  const endUpkeep = keepUp(worker);
  await script.whileWorking();
  await script.untilRest();
  await outside.rest();
  await look(watched, "at rest", [workerName]);
  await endUpkeep();
  await worker.stop();
  await pruneHistory(database, defaultRetention);
  await rollUpCounts(database);
  await endPulse();
  await tellCrashes();
  await outside.tellFacts(await readFacts(database));
}

/** For who has to find out why it does not come to rest. */
async function tellOpenJobs(error: unknown): Promise<never> {
  const open = await sql<object>`
    SELECT id, idempotency_key, task, state, reason, parked_by, attempt, fence, runs_alone, run_at, lease_until
    FROM job WHERE finished_at IS NULL`.execute(database.queryable);
  logger.error({ open: open.rows.map((row) => JSON.stringify(row)) }, "the script can't go on");
  throw error;
}

/** The upkeep that a worker by itself does every ten seconds, or once an hour. */
function keepUp({ id }: QueueWorker): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const held = new Set<string>();
  const chores = queueChores(
    { ...parts, database, whole: database, control: queue.control, logger },
    // The lease is here for how long the clock is not trusted at first.
    {
      ...{ pollMs, leaseMs: 500 },
      isHeld: (job) => held.has(job),
      onLost: (lost, jobs) => queue.hooks.emit({ type: "worker.lost", worker: lost, jobs }),
    },
  ).filter(({ everyMs }) => everyMs > pollMs);
  const limits = new LiveLimits(parts.registry);
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      if (database.kind === "embedded") await findHeld(id, held);
      for (const chore of chores) await chore.run(signal);
      await limits.refresh(database);
      await releaseParked({ ...parts, database }, limits, signal);
      await wait(pollMs);
    }
  };
  const done = loop();
  return async () => {
    stopping.abort();
    await done;
  };
}

/** A blocked loop may let leases run out: in embedded mode upkeep leaves what runs here. */
async function findHeld(workerId: string, held: Set<string>): Promise<void> {
  const found = await sql<{ id: string }>`
    SELECT id FROM job WHERE state = 'running' AND worker_id = ${workerId}`.execute(database.queryable);
  held.clear();
  for (const { id } of found.rows) held.add(id);
}

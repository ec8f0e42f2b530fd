/** How a victim tells of its own health, and of what somebody who watches all workers sees of theirs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import { Counter, Registry } from "prom-client";
import { queuesWithoutWorker } from "../../src/index.ts";
import type { Queue, QueueWorker } from "../../src/index.ts";
import { countWorkers } from "../../src/observe/count-workers.ts";
import { queueReadings, registerQueueMetrics } from "../../src/observe/queue-metrics.ts";
import type { Outside } from "./outside.ts";

const pulseMs = 100;
/** Ten beats of a victim's row: after that it is silent for those who look. */
const silentAfterMs = 1_000;
/** On a busy machine who lives may seem silent for a moment, and who has died is not silent at once. */
const lookForMs = 10_000;

/** Before its worker starts a launch sees what the dead have left; at work and at rest all must be well again. */
export type LookTime = "before work" | "at work" | "at rest";

/** Says ten times a second how this process is, until it is told to end. */
export function startPulse(
  worker: Pick<QueueWorker, "isProgressing" | "doesBeat">,
  outside: Outside,
): () => Promise<void> {
  const loopDelay = monitorEventLoopDelay({ resolution: 20 });
  loopDelay.enable();
  const starving = new Starving();
  const telling = new Set<Promise<unknown>>();
  // Not one after the other: a receiver that is slow to answer is not to make this one seem to stand still.
  const timer = setInterval(() => {
    const told = outside
      .post("pulse", {
        saidMs: Date.now(),
        isProgressing: worker.isProgressing(),
        doesBeat: worker.doesBeat,
        loopDelayMs: loopDelay.max / 1e6,
        ...starving.read(),
      })
      .catch(() => undefined)
      .finally(() => telling.delete(told));
    telling.add(told);
    loopDelay.reset();
  }, pulseMs);
  return async () => {
    clearInterval(timer);
    loopDelay.disable();
    await Promise.all(telling);
  };
}

/** For how long threads of this process could have run, and others had the processors. */
class Starving {
  #before = new Map<string, number>();

  constructor() {
    this.read();
  }

  /** Since the last time: the main thread, and all threads together. Nothing where the system does not tell. */
  read(): { readonly waitedMs: number; readonly starvedMs: number } {
    const now = waits();
    const since = [...now].map(([thread, ms]) => [thread, ms - (this.#before.get(thread) ?? ms)] as const);
    this.#before = now;
    return {
      waitedMs: since.find(([thread]) => thread === String(process.pid))?.[1] ?? 0,
      starvedMs: since.reduce((sum, [, ms]) => sum + ms, 0),
    };
  }
}

/** By thread, in milliseconds since it began. */
function waits(): Map<string, number> {
  const folder = "/proc/self/task";
  if (!existsSync(folder)) return new Map();
  return new Map(
    readdirSync(folder).flatMap((thread) => {
      try {
        const [, waitedNs] = readFileSync(`${folder}/${thread}/schedstat`, "latin1").split(" ");
        return [[thread, Number(waitedNs) / 1e6] as const];
      } catch {
        // It has just ended.
        return [];
      }
    }),
  );
}

/**
 * Looks as the readiness check, the metrics and the alarms do, and tells what is to be seen: at the latest after some
 * seconds, and as soon as those who live, by their names, are told from all others.
 */
export async function look(
  { database, outside }: { readonly database: Database; readonly outside: Outside },
  when: LookTime,
  living: readonly string[],
): Promise<void> {
  const deadlineMs = performance.now() + lookForMs;
  for (;;) {
    const seen = await see(database, living);
    const isTold = seen.silent === seen.unnamed && seen.live === seen.named;
    if (isTold || performance.now() > deadlineMs) {
      const { live, silent, due, unserved } = seen;
      await outside.post("look", { when, live, silent, due, unserved });
      return;
    }
    await wait(50);
  }
}

async function see(database: Database, living: readonly string[]) {
  // Two statements must see one moment: a survivor takes jobs meanwhile.
  return database.transaction(async (transaction) => {
    await sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`.execute(transaction);
    const access = { ...database, queryable: transaction };
    const counts = await countWorkers(access, silentAfterMs);
    const countOf = (isSilent: boolean): number =>
      counts.reduce((sum, { state, count }) => sum + ((state === "silent") === isSilent ? count : 0), 0);
    const rows = await sql<{ named: number; unnamed: number }>`
      SELECT count(*) FILTER (WHERE name = ANY(${[...living]}::text[])) AS named,
             count(*) FILTER (WHERE name <> ALL(${[...living]}::text[])) AS unnamed
      FROM worker WHERE stopped_at IS NULL`.execute(transaction);
    const due = await sql<{ queue: string }>`
      SELECT DISTINCT queue FROM job WHERE state = 'queued' ORDER BY queue`.execute(transaction);
    return {
      ...{ live: countOf(false), silent: countOf(true) },
      ...{ named: rows.rows[0]?.named, unnamed: rows.rows[0]?.unnamed },
      due: due.rows.map(({ queue }) => queue),
      unserved: await queuesWithoutWorker(access, silentAfterMs),
    };
  });
}

/** Tells of every worker that jobs were taken back from; what this gives tells what was counted until then. */
export function watchCrashes(
  queue: Queue,
  { outside, logger }: { readonly outside: Outside; readonly logger: Logger },
): () => Promise<void> {
  const registry = new Registry();
  registerQueueMetrics({
    ...{ registry, logger, bus: queue.bus, hooks: queue.hooks },
    ...queueReadings(queue.database, silentAfterMs),
  });
  const telling: Promise<unknown>[] = [];
  queue.on("worker.lost", ({ worker, jobs }) => {
    telling.push(outside.post("lost", { worker: worker.id, name: worker.name, jobs }));
  });
  return async () => {
    const crashes = registry.getSingleMetric("millrace_job_crashes_total");
    if (!(crashes instanceof Counter)) throw new Error("Nothing counts crashes");
    const { values } = await crashes.get();
    const byTask = values.map(({ labels, value }) => ({ task: String(labels["task"]), count: value }));
    await Promise.all(telling);
    await outside.post("crashes", { byTask: byTask.filter(({ count }) => count > 0) });
  };
}

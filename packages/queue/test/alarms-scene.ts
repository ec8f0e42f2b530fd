import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import type { AlarmThresholds } from "../src/alarms/alarm-thresholds.ts";
import type { LookOptions } from "../src/alarms/look-for-alarms.ts";
import { lookForAlarms } from "../src/alarms/look-for-alarms.ts";
import type { LookResult } from "../src/alarms/record-look.ts";
import { parseQueueThresholds } from "../src/alarms/queue-thresholds.ts";
import { beatWorker, registerWorker } from "../src/worker/worker-row.ts";

export const thresholds: AlarmThresholds = {
  queueDepth: parseQueueThresholds("chat:10,*:1000"),
  oldestWaitSeconds: parseQueueThresholds("chat:30,*:300"),
  failedJobs: parseQueueThresholds("*:100"),
  failureRatePercent: 1,
  failureWindowSeconds: 600,
  failureMinEnds: 20,
  crashedHours: 24,
  workerIdleSeconds: 60,
  workerMemoryBytes: 1_000_000_000,
  pausedHours: 8,
  oldSnapshotSeconds: 60,
};

export const everyMs = 10_000;

/** Looks as a process does when it is time to: the clock is moved to the next look first. */
export async function lookNext(
  database: Database,
  options: Partial<LookOptions> = {},
): Promise<LookResult | undefined> {
  await passTime(database, everyMs);
  return await lookNow(database, options);
}

export function lookNow(
  database: Database,
  options: Partial<LookOptions> = {},
): Promise<LookResult | undefined> {
  return lookForAlarms(database, {
    thresholds,
    off: [],
    everyMs,
    afterLooks: 3,
    tells: false,
    logger: silentLogger,
    ...options,
  });
}

/** Moves what alarms remember of time into the past. */
export async function passTime({ queryable }: Database, ms: number): Promise<void> {
  const time = sql`${ms}::double precision * interval '1 millisecond'`;
  await sql`UPDATE alarm_look SET looked_at = looked_at - ${time}`.execute(queryable);
  await sql`UPDATE alarm SET last_seen_at = last_seen_at - ${time}, tell_at = tell_at - ${time}`.execute(
    queryable,
  );
}

/** A worker's row as it says it itself: alive, and at rest. */
export async function addWorker(
  database: Database,
  worker: {
    readonly queues: readonly string[];
    readonly tasks?: readonly string[];
    readonly rssBytes?: number;
  },
): Promise<string> {
  const id = newId();
  const { queues, tasks = ["tests.run_script@1"], rssBytes = 1000 } = worker;
  await registerWorker(database, { id, name: "w", queues, tasks, concurrency: 4 });
  const figures = {
    state: "running",
    concurrency: 4,
    running: 0,
    processed: 0,
    failed: 0,
    loopDelayMs: 1,
    broker: { kind: "memory", isHearing: true, isTelling: true },
    isUpkeepTurning: true,
  } as const;
  await beatWorker(database, id, { ...figures, rssBytes });
  return id;
}

/** When the jobs are gone: alarms, and what was counted. */
export async function clearAlarms({ queryable }: Database): Promise<void> {
  for (const table of ["alarm", "queue_end_count", "task_end_count", "job_count", "job_count_change"]) {
    await sql`DELETE FROM ${sql.table(table)}`.execute(queryable);
  }
}

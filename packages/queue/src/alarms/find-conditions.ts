import type { AlarmKind } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { oldestSnapshotSeconds } from "../retention/oldest-snapshot.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import type { AlarmThresholds } from "./alarm-thresholds.ts";
import { findCrashingTasks, findFailingQueues, findFailingTasks, findUnknownTasks } from "./look-at-jobs.ts";
import { findForgottenPauses, findFullQueues, findUnservedQueues } from "./look-at-queues.ts";
import { findIdleWorkers, findLargeWorkers } from "./look-at-workers.ts";

export type Findings = {
  /** Of these it is known what is so. Of the others nothing could be read, and their alarms stay as they are. */
  readonly kinds: readonly AlarmKind[];
  readonly conditions: readonly AlarmCondition[];
};

/** Looks for some kinds of alarms. */
export type AlarmReading = {
  readonly kinds: readonly AlarmKind[];
  readonly find: (database: Database, thresholds: AlarmThresholds) => Promise<AlarmCondition[]>;
};

const ownReadings: readonly AlarmReading[] = [
  { kinds: ["queue_without_worker"], find: findUnservedQueues },
  { kinds: ["queue_depth", "oldest_wait", "failed_jobs"], find: findFullQueues },
  { kinds: ["queue_paused"], find: findForgottenPauses },
  { kinds: ["worker_idle"], find: findIdleWorkers },
  { kinds: ["worker_memory"], find: findLargeWorkers },
  { kinds: ["failure_rate"], find: findFailingQueues },
  { kinds: ["task_failure_rate"], find: findFailingTasks },
  { kinds: ["job_crashed_worker"], find: findCrashingTasks },
  { kinds: ["unknown_task"], find: findUnknownTasks },
  { kinds: ["old_snapshot"], find: findOldSnapshot },
];

/** So many of one kind are told of: whoever has more knows by then. */
const maxOfKind = 50;

/**
 * What is wrong over all processes, by what the database holds, without the kinds that are `off`. Reads no
 * more than a few rows for each queue and worker. What can't be read is logged and left out.
 */
export async function findConditions(
  database: Database,
  options: {
    readonly thresholds: AlarmThresholds;
    readonly off: readonly AlarmKind[];
    /** What others look for, with the queue's own. Default nothing. */
    readonly readings?: readonly AlarmReading[];
    readonly logger: Logger;
  },
): Promise<Findings> {
  const { thresholds, off, readings = [], logger } = options;
  const kinds: AlarmKind[] = [];
  const conditions: AlarmCondition[] = [];
  for (const reading of [...ownReadings, ...readings]) {
    const isWanted = reading.kinds.some((kind) => !off.includes(kind));
    try {
      const found = isWanted ? await reading.find(database, thresholds) : [];
      for (const kind of reading.kinds) {
        const ofKind = off.includes(kind) ? [] : found.filter((condition) => condition.kind === kind);
        conditions.push(...ofKind.slice(0, maxOfKind));
      }
      kinds.push(...reading.kinds);
    } catch (error) {
      logger.warn({ err: toError(error), kinds: reading.kinds }, "what alarms are about could not be read");
    }
  }
  return { kinds, conditions };
}

async function findOldSnapshot(
  database: Database,
  { oldSnapshotSeconds: threshold }: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const seconds = await oldestSnapshotSeconds(database);
  if (seconds <= threshold) return [];
  return [
    {
      kind: "old_snapshot",
      subject: "database",
      message: `A transaction has been open for ${Math.floor(seconds)} s; the threshold is ${threshold} s. The queue slows down until it ends (pg_stat_activity shows it).`,
      details: { seconds: Math.floor(seconds), threshold },
    },
  ];
}

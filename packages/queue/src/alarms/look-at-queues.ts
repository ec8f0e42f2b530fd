import type { AlarmKind } from "@millrace/contracts";
import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { allQueues } from "../control/names.ts";
import { countJobs } from "../counts/count-jobs.ts";
import type { JobCount } from "../counts/count-jobs.ts";
import { oldestWaits } from "../counts/queue-depths.ts";
import { queuesWithoutWorker } from "../worker/worker-row.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import type { AlarmThresholds } from "./alarm-thresholds.ts";
import { thresholdOf } from "./queue-thresholds.ts";
import type { QueueThresholds } from "./queue-thresholds.ts";

/** A worker that was not heard of for this long does not count as one. */
export const workerSilenceMs = 60_000;

/** What people have set for queues, as far as it explains why jobs wait. */
export type QueueHold = {
  /** A queue, or `*` for all of them together. */
  readonly queue: string;
  readonly max_running: number | null;
  readonly is_paused: boolean;
  readonly has_end: boolean;
  readonly paused_seconds: number | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
};

/** The queues for which somebody has set something, with how long they have been paused. */
export async function listQueueHolds(queryable: Queryable): Promise<QueueHold[]> {
  const found = await sql<QueueHold>`
    SELECT queue, max_running, paused_by, pause_reason, resume_at IS NOT NULL AS has_end,
           (paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now())) AS is_paused,
           extract(epoch FROM now() - paused_at)::double precision AS paused_seconds
    FROM queue_control ORDER BY queue`.execute(queryable);
  return found.rows;
}

/** Whether jobs of the queue may start, as far as people say: neither paused nor at its number of jobs. */
export function mayStart(queue: string, holds: readonly QueueHold[], counts: readonly JobCount[]): boolean {
  return holds
    .filter((hold) => hold.queue === queue || hold.queue === allQueues)
    .every(
      (hold) =>
        !hold.is_paused && (hold.max_running === null || countRunning(hold.queue, counts) < hold.max_running),
    );
}

function countRunning(queue: string, counts: readonly JobCount[]): number {
  return counts
    .filter((count) => count.state === "running" && (queue === allQueues || count.queue === queue))
    .reduce((total, { count }) => total + count, 0);
}

/** Queues with due jobs and nobody to run them. */
export async function findUnservedQueues(database: QueryAccess): Promise<AlarmCondition[]> {
  const queues = await queuesWithoutWorker(database, workerSilenceMs);
  return queues.map((queue) => ({
    kind: "queue_without_worker",
    subject: queue,
    message: `Queue ${queue} holds due jobs, and no live worker serves it.`,
    details: { queue },
  }));
}

/** Queues that are too deep, have waited too long, or are full of failed jobs. */
export async function findFullQueues(
  { queryable }: QueryAccess,
  thresholds: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const counts = await countJobs(queryable);
  const holds = await listQueueHolds(queryable);
  const waits = (await oldestWaits(queryable)).filter(({ queue }) => !isPaused(queue, holds));
  const countsOf = (state: JobCount["state"]) =>
    counts.filter((count) => count.state === state).map(({ queue, count }) => ({ queue, figure: count }));
  return [
    ...above(countsOf("queued"), {
      kind: "queue_depth",
      thresholds: thresholds.queueDepth,
      message: ({ queue, figure, threshold }) =>
        `${figure} jobs wait in queue ${queue}; the threshold is ${threshold}.`,
    }),
    ...above(
      waits.map(({ queue, seconds }) => ({ queue, figure: Math.floor(seconds) })),
      {
        kind: "oldest_wait",
        thresholds: thresholds.oldestWaitSeconds,
        message: ({ queue, figure, threshold }) =>
          `A job has waited in queue ${queue} for ${figure} s; the threshold is ${threshold} s.`,
      },
    ),
    ...above(countsOf("failed"), {
      kind: "failed_jobs",
      thresholds: thresholds.failedJobs,
      message: ({ queue, figure, threshold }) =>
        `${figure} failed jobs are left in queue ${queue}; the threshold is ${threshold}.`,
    }),
  ];
}

/** A pause explains a wait, and has an alarm of its own. */
function isPaused(queue: string, holds: readonly QueueHold[]): boolean {
  return holds.some((hold) => hold.is_paused && (hold.queue === queue || hold.queue === allQueues));
}

type Figure = { readonly queue: string; readonly figure: number };

function above(
  figures: readonly Figure[],
  rule: {
    readonly kind: AlarmKind;
    readonly thresholds: QueueThresholds;
    readonly message: (over: Figure & { readonly threshold: number }) => string;
  },
): AlarmCondition[] {
  return figures.flatMap(({ queue, figure }) => {
    const threshold = thresholdOf(rule.thresholds, queue);
    if (figure <= threshold) return [];
    const over = { queue, figure, threshold };
    return [{ kind: rule.kind, subject: queue, message: rule.message(over), details: over }];
  });
}

/** Pauses without an end that have lasted long: somebody may have forgotten them. */
export async function findForgottenPauses(
  { queryable }: QueryAccess,
  { pausedHours }: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const holds = await listQueueHolds(queryable);
  return holds.flatMap(({ queue, is_paused, has_end, paused_seconds, paused_by, pause_reason }) => {
    const hours = (paused_seconds ?? 0) / 3600;
    if (!is_paused || has_end || hours <= pausedHours) return [];
    const what = queue === allQueues ? "All queues have" : `Queue ${queue} has`;
    const who = paused_by === null ? "" : ` by ${paused_by}`;
    const why = pause_reason === null ? "" : ` (${pause_reason})`;
    return [
      {
        kind: "queue_paused" as const,
        subject: queue,
        message: `${what} been paused for ${Math.floor(hours)} h${who}, without an end${why}.`,
        details: { queue, hours, threshold: pausedHours, paused_by, pause_reason },
      },
    ];
  });
}

import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { readEndCounts } from "../counts/end-counts.ts";
import { jobCrashedWorker } from "../errors.ts";
import { unservedTasks } from "../worker/worker-row.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import type { AlarmThresholds } from "./alarm-thresholds.ts";
import { workerSilenceMs } from "./look-at-queues.ts";

/** One job that failed is a failed job; two are a share. */
const minFailed = 2;

/** Queues of which too large a share of the jobs fails. */
export async function findFailingQueues(
  { queryable }: QueryAccess,
  { failureRatePercent: threshold, failureWindowSeconds, failureMinEnds }: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const ends = await readEndCounts(queryable, failureWindowSeconds);
  return ends.flatMap(({ queue, succeeded, failed }) => {
    const total = succeeded + failed;
    const percent = (100 * failed) / total;
    if (total < failureMinEnds || failed < minFailed || percent <= threshold) return [];
    return [
      {
        kind: "failure_rate" as const,
        subject: queue,
        message: `${percent.toFixed(1)} % of the jobs of queue ${queue} that ended within ${failureWindowSeconds} s have failed (${failed} of ${total}); the threshold is ${threshold} %.`,
        details: { queue, percent, failed, total, window_seconds: failureWindowSeconds, threshold },
      },
    ];
  });
}

/** Tasks of which jobs have failed because their worker died under them, each time. */
export async function findCrashingTasks(
  { queryable }: QueryAccess,
  { crashedHours }: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const found = await sql<{ task: string; jobs: number; newest: string }>`
    SELECT task, count(*)::integer AS jobs, (array_agg(id ORDER BY finished_at DESC, id))[1] AS newest FROM job
    WHERE error_code = ${sql.lit(jobCrashedWorker.code)}
      AND finished_at > now() - ${crashedHours}::double precision * interval '1 hour'
    GROUP BY task ORDER BY task LIMIT 50`.execute(queryable);
  return found.rows.map(({ task, jobs, newest }) => ({
    kind: "job_crashed_worker",
    subject: task,
    message: `${jobs} ${jobs === 1 ? "job" : "jobs"} of ${task} failed within ${crashedHours} h because the worker died under them three times.`,
    details: { task, jobs, newest_job_id: newest, hours: crashedHours },
  }));
}

/** Tasks of which jobs wait that no worker of their queue knows. */
export async function findUnknownTasks(database: QueryAccess): Promise<AlarmCondition[]> {
  const tasks = await unservedTasks(database, workerSilenceMs);
  return tasks.map((task) => ({
    kind: "unknown_task",
    subject: task,
    message: `Jobs of ${task} wait for a worker of another version that knows this task.`,
    details: { task },
  }));
}

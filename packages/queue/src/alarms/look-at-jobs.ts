import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { readEndCounts } from "../counts/end-counts.ts";
import { readTaskEndCounts } from "../counts/task-ends.ts";
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
  thresholds: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const ends = await readEndCounts(queryable, thresholds.failureWindowSeconds);
  return ends.flatMap(({ queue, ...counts }) =>
    failing(counts, thresholds).map(({ share, figures }) => ({
      kind: "failure_rate" as const,
      subject: queue,
      message: share("queue", queue),
      details: { queue, ...figures },
    })),
  );
}

/** The same of tasks: one that fails always is no large share of a queue that is busy with others. */
export async function findFailingTasks(
  { queryable }: QueryAccess,
  thresholds: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const ends = await readTaskEndCounts(queryable, thresholds.failureWindowSeconds);
  return ends.flatMap(({ task, ...counts }) =>
    failing(counts, thresholds).map(({ share, figures }) => ({
      kind: "task_failure_rate" as const,
      subject: task,
      message: share("task", task),
      details: { task, ...figures },
    })),
  );
}

/** What there is to say of so many failures; nothing, when it is not too large a share. */
function failing(
  { succeeded, failed }: { readonly succeeded: number; readonly failed: number },
  { failureRatePercent: threshold, failureWindowSeconds: seconds, failureMinEnds }: AlarmThresholds,
) {
  const total = succeeded + failed;
  const percent = (100 * failed) / total;
  if (total < failureMinEnds || failed < minFailed || percent <= threshold) return [];
  const share = (what: string, name: string): string =>
    `${percent.toFixed(1)} % of the jobs of ${what} ${name} that ended within ${seconds} s have failed (${failed} of ${total}); the threshold is ${threshold} %.`;
  return [{ share, figures: { percent, failed, total, window_seconds: seconds, threshold } }];
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

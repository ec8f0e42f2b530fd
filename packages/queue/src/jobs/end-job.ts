import { jsonText } from "@millrace/database";
import { sql } from "kysely";
import { appendEvents, endStream } from "../events/append-events.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { JobEnd } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { WriteScope } from "../write-scope.ts";
import { keptDays } from "../retention/kept-days.ts";
import type { LockedJob } from "./job-row.ts";
import { transitionOf } from "./transition.ts";

export type Ending =
  | { readonly state: "succeeded"; readonly output: unknown }
  | { readonly state: "failed"; readonly error: { readonly code: string; readonly message: string } }
  | { readonly state: "cancelled" | "expired" };

export type EndingParts = {
  readonly bus: EventBus;
  readonly registry: TaskRegistry;
  /**
   * Leaves out what the task does when its job ends: the last resort for a job whose hook refuses
   * every end, which would otherwise run for ever.
   */
  readonly skipsHook?: boolean;
};

/**
 * Ends a locked job for good: state, what it returned or failed with, the domain's own rows, and the last
 * event, in the caller's transaction. The one place where a job becomes terminal, beside `succeed_jobs`.
 */
export async function endJob(
  scope: WriteScope,
  parts: EndingParts,
  job: LockedJob,
  ending: Ending,
): Promise<void> {
  const { transaction } = scope;
  const handler = parts.registry.find(job.task, job.task_version);
  const task = handler?.task;
  const error = ending.state === "failed" ? ending.error : undefined;
  const isSuccess = ending.state === "succeeded";
  const output = ending.state === "succeeded" ? jsonText(ending.output) : null;
  await sql`
    WITH ended AS (
      UPDATE job SET state = ${ending.state}, reason = NULL, parked_by = NULL, finished_at = now(),
             purge_at = now() + ${keptDays(task, ending.state)}::double precision * interval '1 day',
             worker_id = NULL, lease_until = NULL, error_code = ${error?.code ?? null},
             error_message = ${error?.message ?? null},
             output = ${output}::jsonb, succeeded_by = CASE WHEN ${isSuccess} THEN worker_id END,
             succeeded_by_name = CASE WHEN ${isSuccess} THEN
               coalesce((SELECT name FROM worker WHERE worker.id = job.worker_id), 'unknown') END
      WHERE id = ${job.id}
    )
    UPDATE job_progress SET percent = 100, eta_seconds = NULL, updated_at = now()
    WHERE job_id = ${job.id} AND ${isSuccess}`.execute(transaction);
  if (parts.skipsHook !== true) {
    const end: JobEnd = { jobId: job.id, input: job.input, ...ending };
    await handler?.onEnd?.(scope, end);
  }
  if (job.stream.startsWith("job:")) {
    await appendEvents(scope, parts.bus, [
      {
        stream: job.stream,
        owner: job.owner,
        type: `job.${ending.state}`,
        data: { job_id: job.id, ...error },
      },
    ]);
  }
  if (!job.stream.startsWith("job:")) await endStream(transaction, job.stream);
  const details = {
    ...(job.run_ms === null || job.state !== "running" ? {} : { runMs: job.run_ms }),
    ...(error === undefined ? {} : { error }),
  };
  scope.afterCommit(() =>
    parts.bus.publishTransition(transitionOf(ending.state, job, ending.state, details)),
  );
}

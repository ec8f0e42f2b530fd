import { jsonText } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { appendEvents, endStream } from "../events/append-events.ts";
import type { CutAttempt } from "../events/event.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { WriteScope } from "../write-scope.ts";
import { keptDays } from "../retention/kept-days.ts";
import type { LockedJob, LockedRow } from "./job-row.ts";
import { readInputs } from "./lock-job.ts";
import { runEndHook } from "./run-end-hook.ts";
import { transitionOf } from "./transition.ts";

export type Ending =
  | { readonly state: "succeeded"; readonly output: unknown }
  | { readonly state: "failed"; readonly error: { readonly code: string; readonly message: string } }
  | {
      readonly state: "cancelled";
      /** How its attempt is recorded that ran until now. Default as cancelled. */
      readonly attempt?: CutAttempt;
    }
  | { readonly state: "expired" };

export type EndingParts = {
  readonly bus: EventBus;
  readonly broker: Announcer;
  readonly registry: TaskRegistry;
  /**
   * Leaves out what the task does when its job ends: the last resort for a job whose hook refuses
   * every end, which would otherwise run for ever. What ends along with it keeps its own hook.
   */
  readonly skipsHook?: boolean;
  /** Told after the commit of a workflow with members that are to be cancelled. Default: the upkeep looks. */
  readonly onStopping?: (workflowId: string) => void;
};

/** Writes what a job came to into its own row. The purge of a member is its workflow's. */
export async function writeEnd(
  { transaction }: WriteScope,
  { registry }: Pick<EndingParts, "registry">,
  job: LockedJob,
  ending: Ending,
): Promise<void> {
  const task = registry.find(job.task, job.task_version)?.task;
  const error = ending.state === "failed" ? ending.error : undefined;
  const isSuccess = ending.state === "succeeded";
  const output = ending.state === "succeeded" ? jsonText(ending.output) : null;
  const days = job.workflow_id === null ? keptDays(task, ending.state) : null;
  await sql`
    WITH ended AS (
      UPDATE job SET state = ${ending.state}, reason = NULL, parked_by = NULL, finished_at = now(),
             purge_at = now() + ${days}::double precision * interval '1 day',
             worker_id = NULL, lease_until = NULL, error_code = ${error?.code ?? null},
             error_message = ${error?.message ?? null},
             output = ${output}::jsonb, succeeded_by = CASE WHEN ${isSuccess} THEN worker_id END,
             succeeded_by_name = CASE WHEN ${isSuccess} THEN
               coalesce((SELECT name FROM worker WHERE worker.id = job.worker_id), 'unknown') END
      WHERE id = ${job.id}
    )
    UPDATE job_progress SET percent = 100, eta_seconds = NULL, updated_at = now()
    WHERE job_id = ${job.id} AND ${isSuccess}`.execute(transaction);
}

/** What goes with the end of a job: the domain's own rows, the last event, and the news of it. */
export async function tellEnd(
  scope: WriteScope,
  parts: EndingParts,
  job: LockedJob,
  ending: Ending,
): Promise<void> {
  const error = ending.state === "failed" ? ending.error : undefined;
  if (parts.skipsHook !== true) await runEndHook(scope, parts, job, ending);
  if (job.stream.startsWith("job:")) {
    await appendEvents(scope, parts.bus, [
      {
        stream: job.stream,
        owner: job.owner,
        type: `job.${ending.state}`,
        data: { job_id: job.id, ...error },
      },
    ]);
  } else {
    await endStream(scope.transaction, job.stream);
  }
  const details = {
    ...(job.run_ms === null || job.state !== "running" ? {} : { runMs: job.run_ms }),
    ...(error === undefined ? {} : { error }),
    ...(ending.state === "cancelled" && ending.attempt !== undefined ? { attempt: ending.attempt } : {}),
  };
  scope.afterCommit(() =>
    parts.bus.publishTransition(transitionOf(ending.state, job, ending.state, details)),
  );
}

/** Inputs that are in memory together: they may take a megabyte each, and thousands of jobs end at once. */
const inputsAtOnce = 20;

/**
 * Ends locked jobs as cancelled that do not run: together where nothing else is to be written with their
 * end, the others one by one. Reads the inputs of those alone whose tasks have a hook. Their workflows are
 * not told.
 */
export async function cancelIdle(
  scope: WriteScope,
  parts: EndingParts,
  jobs: readonly LockedRow[],
): Promise<void> {
  const hasHook = ({ task, task_version }: LockedRow): boolean =>
    parts.registry.find(task, task_version)?.onEnd !== undefined;
  const isPlain = (job: LockedRow): boolean => job.stream.startsWith("job:") && !hasHook(job);
  const plain = jobs.filter(isPlain);
  const others = jobs.filter((job) => !isPlain(job));
  for (let at = 0; at < others.length; at += inputsAtOnce) {
    const some = others.slice(at, at + inputsAtOnce);
    const hooked = some.filter(hasHook).map(({ id }) => id);
    const inputs = await readInputs(scope.transaction, hooked);
    for (const row of some) {
      const job = { ...row, input: inputs.get(row.id) };
      await writeEnd(scope, parts, job, { state: "cancelled" });
      await tellEnd(scope, parts, job, { state: "cancelled" });
    }
  }
  if (plain.length === 0) return;
  const days = plain.map(({ task, task_version, workflow_id }) =>
    workflow_id === null ? keptDays(parts.registry.find(task, task_version)?.task, "cancelled") : null,
  );
  await sql`
    UPDATE job SET state = 'cancelled', reason = NULL, parked_by = NULL, finished_at = now(),
           purge_at = now() + given.days * interval '1 day', error_code = NULL, error_message = NULL, output = NULL
    FROM unnest(${plain.map(({ id }) => id)}::uuid[], ${days}::double precision[]) AS given (id, days)
    WHERE job.id = given.id`.execute(scope.transaction);
  const events = plain.map(({ id, stream, owner }) => ({
    stream,
    owner,
    type: "job.cancelled",
    data: { job_id: id },
  }));
  await appendEvents(scope, parts.bus, events);
  scope.afterCommit(() => {
    for (const job of plain) parts.bus.publishTransition(transitionOf("cancelled", job, "cancelled"));
  });
}

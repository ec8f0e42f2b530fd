import type { Job, JobSelection, JobState } from "@millrace/contracts";
import type { BulkAction } from "../parts/bulk.ts";
import type { JobFilters } from "./job-requests.ts";
import { canCancel, canRetry } from "./job-times.ts";

const retryable: readonly JobState[] = ["failed", "cancelled", "expired"];
const cancellable: readonly JobState[] = ["blocked", "scheduled", "queued", "running", "waiting"];

/** Those of the chosen jobs that the action can change. */
export function fitting(action: BulkAction, jobs: readonly Job[]): readonly Job[] {
  return jobs.filter(action === "retry" ? canRetry : canCancel);
}

/**
 * What the server is asked to change when it is to be all that the list's filters fit. Undefined when
 * the action makes no sense for them: a retry of what has not ended, a cancel of what has. So it is of
 * a worker or a text, which are filters of the list alone.
 */
export function selectionOf(action: BulkAction, filters: JobFilters): JobSelection | undefined {
  const { state, queue, task, tag, error, worker, search, ...times } = filters;
  // The server finds these among the latest jobs only: others would fit too, and nobody would know.
  if (worker !== undefined || search !== undefined) return undefined;
  if (state !== undefined && !(action === "retry" ? retryable : cancellable).includes(state))
    return undefined;
  const selection: JobSelection = {
    ...(state === undefined ? {} : { state }),
    ...(queue === undefined ? {} : { queue }),
    ...(task === undefined ? {} : { task }),
    ...(tag === undefined ? {} : { tag }),
    ...(error === undefined ? {} : { error_code: error }),
    ...Object.fromEntries(Object.entries(times).filter(([, moment]) => moment !== undefined)),
  };
  if (Object.keys(selection).length > 0) return selection;
  // All failed jobs there are may be retried at once; all jobs there are must not be cancelled by one click.
  return action === "retry" ? { state: "failed" } : undefined;
}

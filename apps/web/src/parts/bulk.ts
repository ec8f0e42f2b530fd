import type { BulkRequest, BulkResult, JobSelection } from "@millrace/contracts";
import { callApi } from "../api/client.ts";

export type BulkAction = "retry" | "cancel";

/** Jobs so far. `left` is what the server has not come to yet. */
export type BulkProgress = { readonly changed: number; readonly skipped: number; readonly left: number };

export type BulkOutcome = BulkProgress & {
  /** `stuck`: the server found jobs left and could change none of them. `stopped`: somebody had enough. */
  readonly end: "done" | "stuck" | "stopped";
  readonly errors: BulkResult["errors"];
};

export type BulkRun = {
  readonly action: BulkAction;
  readonly filter: JobSelection;
  readonly onProgress: (progress: BulkProgress) => void;
  readonly signal: AbortSignal;
};

type Ask = (action: BulkAction, request: BulkRequest) => Promise<BulkResult>;

/** Errors kept to be shown, so that ten thousand of them don't pile up. */
const maxErrors = 20;

/**
 * Changes all jobs that fit, request after request: one request changes what fits into its time. What
 * is asked for when the signal comes is waited for, so that the numbers are true.
 */
export async function runInBulk(run: BulkRun, ask: Ask = askServer): Promise<BulkOutcome> {
  let progress: BulkProgress = { changed: 0, skipped: 0, left: 0 };
  let errors: BulkResult["errors"] = [];
  let request: BulkRequest = { filter: run.filter };
  for (;;) {
    const answer = await ask(run.action, request);
    request = { filter: sameJobs(run.action, request.filter, answer.as_of) };
    progress = {
      changed: progress.changed + answer.changed,
      skipped: progress.skipped + answer.skipped,
      left: answer.left,
    };
    errors = [...errors, ...answer.errors].slice(0, maxErrors);
    run.onProgress(progress);
    if (answer.left === 0) return { ...progress, errors, end: "done" };
    if (answer.changed === 0) return { ...progress, errors, end: "stuck" };
    if (run.signal.aborted) return { ...progress, errors, end: "stopped" };
  }
}

/** Jobs that fail again, or come, while the others are retried or cancelled are not meant. */
function sameJobs(action: BulkAction, filter: JobSelection, asOf: string): JobSelection {
  const bound = action === "retry" ? "finished_before" : "created_before";
  const given = filter[bound];
  const isEarlier = given !== undefined && Date.parse(given) <= Date.parse(asOf);
  return { ...filter, [bound]: isEarlier ? given : asOf };
}

/** How many jobs the server would change now, and the filter that fits these and none that come later. */
export async function findMatching(
  action: BulkAction,
  filter: JobSelection,
  ask: Ask = askServer,
): Promise<{ readonly count: number; readonly filter: JobSelection }> {
  const { matched, as_of: asOf } = await ask(action, { filter, dry_run: true });
  return { count: matched, filter: sameJobs(action, filter, asOf) };
}

function askServer(action: BulkAction, request: BulkRequest): Promise<BulkResult> {
  return callApi(`/jobs/${action}`, { method: "POST", json: request });
}

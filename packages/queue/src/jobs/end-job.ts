import { joinEnded } from "../workflows/join.ts";
import type { WriteScope } from "../write-scope.ts";
import type { LockedJob } from "./job-row.ts";
import { tellEnd, writeEnd } from "./write-end.ts";
import type { Ending, EndingParts } from "./write-end.ts";

/**
 * Ends a locked job for good: state, what it returned or failed with, its workflow, the domain's own rows,
 * and the last event, in the caller's transaction. The one place where a job becomes terminal, beside
 * `succeed_jobs` and `cancelIdle`.
 */
export async function endJob(
  scope: WriteScope,
  parts: EndingParts,
  job: LockedJob,
  ending: Ending,
): Promise<void> {
  await writeEnd(scope, parts, job, ending);
  if (job.workflow_id !== null) {
    // What ends along with it is told of its end all the same.
    const { skipsHook: _skipsHook, ...ofOthers } = parts;
    const { state } = ending;
    const error = ending.state === "failed" ? ending.error : null;
    await joinEnded(scope, ofOthers, [{ jobId: job.id, workflowId: job.workflow_id, state, error }]);
  }
  await tellEnd(scope, parts, job, ending);
}

export type { EndingParts } from "./write-end.ts";

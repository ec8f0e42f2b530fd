import type { Announcer } from "../brokers/broker.ts";
import { jobNotFound } from "../errors.ts";
import { endAttempt } from "../jobs/end-attempt.ts";
import { endJob } from "../jobs/end-job.ts";
import type { EndingParts } from "../jobs/end-job.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { requeueJob } from "../jobs/requeue.ts";
import type { WriteScope } from "../write-scope.ts";
import { jobNotRunning } from "./control-errors.ts";

export type ReleaseParts = EndingParts & {
  readonly broker: Announcer;
  /** Told after the commit, so that the attempt stops at once if it runs in this process. */
  readonly onReleased: (held: { readonly id: string; readonly fence: number }) => void;
};

/**
 * Takes a running job from its worker at once, without asking the worker, and puts it back in line; one
 * whose cancel was asked for ends as cancelled. The attempt is not counted. What the former holder still
 * writes is void; it stops when its next beat finds the job gone. Throws `job_not_found` or
 * `job_not_running`.
 */
export async function forceRelease(
  scope: WriteScope,
  parts: ReleaseParts,
  id: string,
  { by }: { readonly by: string },
): Promise<void> {
  const job = await lockJob(scope.transaction, id);
  if (job === undefined) throw jobNotFound(id);
  if (job.state !== "running") throw jobNotRunning(id, job.state);
  const error = { code: "force_released", message: `Taken from its worker by ${by}.` };
  await endAttempt(scope.transaction, job, { outcome: "handed_back", error });
  if (job.is_cancel_requested)
    await endJob(scope, parts, job, { state: "cancelled", attempt: "handed_back" });
  else await requeueJob(scope, parts, job, { why: "handed_back" });
  scope.afterCommit(() => parts.onReleased({ id, fence: job.fence }));
}

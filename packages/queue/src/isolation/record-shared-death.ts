import { lockHeldJob } from "../jobs/lock-job.ts";
import { endAttempt } from "../jobs/end-attempt.ts";
import { endJob } from "../jobs/end-job.ts";
import { requeueJob } from "../jobs/requeue.ts";
import type { ExecuteParts } from "../worker/execution.ts";
import { storable } from "../worker/stored-error.ts";
import { withWriteScope } from "../write-scope.ts";

/**
 * Takes back a job whose process died after it had served others: what they left behind may be the
 * reason, so nothing is counted. It runs alone next, where a death is certainly its own.
 */
export async function recordSharedDeath(
  parts: ExecuteParts & { readonly skipsHook?: boolean },
  held: { readonly id: string; readonly fence: number },
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await withWriteScope(
    parts.database,
    async (scope) => {
      const job = await lockHeldJob(scope.transaction, held);
      if (job === undefined) return;
      await endAttempt(scope.transaction, held, { outcome: "crashed", error: storable(error) });
      if (job.is_cancel_requested)
        return await endJob(scope, parts, job, { state: "cancelled", attempt: "crashed" });
      await requeueJob(scope, parts, job, { why: "crashed", crashCount: job.crash_count });
    },
    "crash_alone",
  );
}

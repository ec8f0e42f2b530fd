import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { jobCrashedWorker } from "../errors.ts";
import { storable } from "../worker/stored-error.ts";
import { withWriteScope } from "../write-scope.ts";
import { endAttempt } from "./end-attempt.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import { lockHeldJob } from "./lock-job.ts";
import { requeueJob } from "./requeue.ts";

const maxCrashesAlone = 3;

/**
 * Counts a crash of a job that had a process of its own: nothing else can have caused it. The third
 * ends the job; the others send it back to run alone again. `ended` says how the process died.
 */
export async function recordCrashAlone(
  parts: EndingParts & { readonly database: QueryAccess; readonly broker: Announcer },
  held: { readonly id: string; readonly fence: number },
  ended: string,
): Promise<void> {
  await withWriteScope(
    parts.database,
    async (scope) => {
      const job = await lockHeldJob(scope.transaction, held);
      if (job === undefined) return;
      const crashCount = job.crash_count + 1;
      const error = storable({ code: "job_process_died", message: `The job's own process died (${ended}).` });
      await endAttempt(scope.transaction, held, { outcome: "crashed", error });
      if (job.is_cancel_requested)
        return await endJob(scope, parts, job, { state: "cancelled", attempt: "crashed" });
      await sql`UPDATE job SET crash_count = ${crashCount} WHERE id = ${job.id}`.execute(scope.transaction);
      if (crashCount >= maxCrashesAlone) {
        return await endJob(scope, parts, job, { state: "failed", error: jobCrashedWorker });
      }
      await requeueJob(scope, parts, job, { why: "crashed", crashCount });
    },
    "crash_alone",
  );
}

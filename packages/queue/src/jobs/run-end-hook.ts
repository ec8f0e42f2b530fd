import { newId, toError } from "@millrace/kernel";
import { sql } from "kysely";
import type { JobEnd, StoredEnd } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import { mayPassLater } from "../worker/database-trouble.ts";
import type { WriteScope } from "../write-scope.ts";
import type { LockedJob } from "./job-row.ts";
import type { Ending } from "./write-end.ts";

/**
 * Writes the domain's own rows at the end of a job. A hook that throws refuses the end; but that of a blocked job
 * is left out then, which the job's log tells: others end along with it, and would be kept for ever.
 */
export async function runEndHook(
  scope: WriteScope,
  { registry }: { readonly registry: TaskRegistry },
  job: LockedJob,
  ending: Ending,
): Promise<void> {
  const onEnd = registry.find(job.task, job.task_version)?.onEnd;
  if (onEnd === undefined) return;
  const wasBlocked = job.state === "blocked";
  const end: StoredEnd = { ...toJobEnd(job, ending), wasBlocked };
  if (!wasBlocked) return await onEnd(scope, end);
  await orLeaveOut(scope, job, (inner) => onEnd(inner, end));
}

function toJobEnd({ id: jobId, input }: LockedJob, ending: Ending): JobEnd {
  if (ending.state !== "expired") return { jobId, input, ...ending };
  const message = "It was not started, or what it waited for did not come, in time.";
  return { jobId, input, state: "expired", error: { code: "job_expired", message } };
}

async function orLeaveOut(
  scope: WriteScope,
  job: LockedJob,
  run: (scope: WriteScope) => Promise<void>,
): Promise<void> {
  const { transaction } = scope;
  const announcements: (() => void)[] = [];
  await sql`SAVEPOINT before_hook`.execute(transaction);
  try {
    await run({ transaction, afterCommit: (announce) => void announcements.push(announce) });
    await sql`RELEASE SAVEPOINT before_hook`.execute(transaction);
  } catch (error) {
    if (mayPassLater(error)) throw error;
    await sql`ROLLBACK TO SAVEPOINT before_hook`.execute(transaction);
    // Its words may speak of SQL and of paths: they are for the process, not for those who watch the job.
    process.emitWarning(toError(error));
    await sql`
      INSERT INTO job_log (id, job_id, level, message) VALUES (${newId()}, ${job.id}, 'warning', ${warning})`.execute(
      transaction,
    );
    return;
  }
  for (const announce of announcements) scope.afterCommit(announce);
}

const warning =
  "What the task writes at the end of a job failed and was left out: this job ended before its turn, with others that it must not keep. The server's log has the details.";

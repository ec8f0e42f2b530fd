import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { LockedJob } from "./job-row.ts";

const columns = sql`job.id, job.queue, job.task, job.task_version, job.owner, job.stream, job.state,
  job.attempt, job.max_attempts, job.retries, job.fence, job.crash_count, job.runs_alone,
  job.cancel_requested_at IS NOT NULL AS is_cancel_requested, job_payload.input`;

/**
 * Locks a job's row until the transaction ends. Lock order everywhere: job, then the domain's rows,
 * then event streams.
 */
export async function lockJob(transaction: Transaction, id: string): Promise<LockedJob | undefined> {
  const found = await sql<LockedJob>`
    SELECT ${columns} FROM job JOIN job_payload ON job_payload.job_id = job.id
    WHERE job.id = ${id} FOR UPDATE OF job`.execute(transaction);
  return found.rows[0];
}

/** The same, only if this claim still holds the job; undefined means: write nothing. */
export async function lockHeldJob(
  transaction: Transaction,
  held: { readonly id: string; readonly fence: number },
): Promise<LockedJob | undefined> {
  const found = await sql<LockedJob>`
    SELECT ${columns} FROM job JOIN job_payload ON job_payload.job_id = job.id
    WHERE job.id = ${held.id} AND job.fence = ${held.fence} AND job.state = 'running'
    FOR UPDATE OF job`.execute(transaction);
  return found.rows[0];
}

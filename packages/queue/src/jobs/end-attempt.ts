import type { AttemptOutcome } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";

type EndedAttempt = {
  readonly outcome: Exclude<AttemptOutcome, "succeeded">;
  readonly error?: { readonly code: string; readonly message: string };
};

/**
 * Writes the record of a try that ends, from the job's row as it still is: before the row gets its next
 * state. That of a success is the job's row (view `ended_attempt`). Idempotent: a record that is there keeps
 * its outcome.
 */
export async function endAttempt(
  transaction: Transaction,
  held: { readonly id: string; readonly fence: number },
  end: EndedAttempt,
): Promise<void> {
  const { outcome, error } = end;
  await sql`
    INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome,
                             error_code, error_message)
    SELECT job.id, job.fence, job.attempt, job.worker_id, coalesce(worker.name, 'unknown'),
           coalesce(job.claimed_at, job.started_at, job.created_at), now(),
           ${outcome}, ${error?.code ?? null}, ${error?.message ?? null}
    FROM job LEFT JOIN worker ON worker.id = job.worker_id
    WHERE job.id = ${held.id} AND job.fence = ${held.fence} AND job.state = 'running'
    ON CONFLICT DO NOTHING`.execute(transaction);
}

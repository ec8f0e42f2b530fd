import type { AttemptOutcome } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";

/** Closes the record of one try. Idempotent: a closed record keeps its first outcome. */
export async function endAttempt(
  transaction: Transaction,
  held: { readonly id: string; readonly fence: number },
  outcome: AttemptOutcome,
  error?: { readonly code: string; readonly message: string },
): Promise<void> {
  await sql`
    UPDATE job_attempt SET finished_at = now(), outcome = ${outcome}, error_code = ${error?.code ?? null},
           error_message = ${error?.message ?? null}
    WHERE job_id = ${held.id} AND fence = ${held.fence} AND finished_at IS NULL`.execute(transaction);
}

import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";

export type StepRow = {
  readonly state: "started" | "done";
  readonly output: unknown;
  readonly starts: number;
};

/**
 * Notes that a step starts, or finds that it is done. In the caller's fenced transaction, before
 * the outside call: a later attempt that finds `started` knows that the call may have been made.
 */
export async function startStep(
  transaction: Transaction,
  held: { readonly id: string; readonly fence: number },
  key: string,
): Promise<StepRow> {
  const found = await sql<StepRow>`
    INSERT INTO job_step AS known (job_id, key, state, fence) VALUES (${held.id}, ${key}, 'started', ${held.fence})
    ON CONFLICT (job_id, key) DO UPDATE SET
      fence = CASE WHEN known.state = 'done' THEN known.fence ELSE excluded.fence END,
      starts = CASE WHEN known.state = 'done' THEN known.starts ELSE known.starts + 1 END
    RETURNING state, output, starts`.execute(transaction);
  const row = found.rows[0];
  if (row === undefined) throw new Error("INSERT … RETURNING gave no row");
  return row;
}

/** Records a step's value for the life of the job, in the caller's fenced transaction. */
export async function recordStep(
  transaction: Transaction,
  held: { readonly id: string; readonly fence: number },
  key: string,
  output: unknown,
): Promise<void> {
  await sql`
    UPDATE job_step SET state = 'done', output = ${jsonText(output)}::jsonb, finished_at = now(), fence = ${held.fence}
    WHERE job_id = ${held.id} AND key = ${key}`.execute(transaction);
}

import { jsonText } from "@millrace/database";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

export type StepRow = {
  readonly state: "started" | "done";
  readonly output: unknown;
  readonly starts: number;
};

type Held = { readonly id: string; readonly fence: number };

/** The job's row, locked, if this claim still holds it and nobody asked for its cancel. */
const heldRow = ({ id, fence }: Held) => sql`
  SELECT id FROM job WHERE id = ${id} AND fence = ${fence} AND state = 'running' AND cancel_requested_at IS NULL
  FOR UPDATE`;

/**
 * Notes that a step starts, or finds that it is done; before the outside call, so that a later
 * attempt that finds `started` knows that the call may have been made. One statement, fenced in
 * itself: undefined when the job is not held, or is to be cancelled.
 */
export async function startStep(queryable: Queryable, held: Held, key: string): Promise<StepRow | undefined> {
  const found = await sql<StepRow>`
    WITH held AS MATERIALIZED (${heldRow(held)})
    INSERT INTO job_step AS known (job_id, key, state, fence) SELECT id, ${key}, 'started', ${held.fence}::bigint FROM held
    ON CONFLICT (job_id, key) DO UPDATE SET
      fence = CASE WHEN known.state = 'done' THEN known.fence ELSE excluded.fence END,
      starts = CASE WHEN known.state = 'done' THEN known.starts ELSE known.starts + 1 END
    RETURNING state, output, starts`.execute(queryable);
  return found.rows[0];
}

/** Whether a step is recorded. What the job's lock covers can't change meanwhile. */
export async function isStepDone(queryable: Queryable, jobId: string, key: string): Promise<boolean> {
  const found = await sql`
    SELECT FROM job_step WHERE job_id = ${jobId} AND key = ${key} AND state = 'done'`.execute(queryable);
  return found.rows.length > 0;
}

/**
 * Records a step's value for the life of the job. One statement, fenced in itself: false when the
 * job is not held, or is to be cancelled, and nothing was written.
 */
export async function recordStep(
  queryable: Queryable,
  held: Held,
  key: string,
  output: unknown,
): Promise<boolean> {
  const written = await sql`
    WITH held AS MATERIALIZED (${heldRow(held)})
    UPDATE job_step SET state = 'done', output = ${jsonText(output)}::jsonb, finished_at = now(), fence = ${held.fence}
    FROM held WHERE job_id = held.id AND key = ${key} RETURNING job_id`.execute(queryable);
  return written.rows.length > 0;
}

import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** `silent`: it has not stopped, and was not heard of in time. Its jobs are taken back. */
export const workerStates = ["running", "draining", "silent"] as const;

export type WorkerCount = { readonly state: (typeof workerStates)[number]; readonly count: number };

/**
 * The workers of all processes that have not stopped, by state. One that was not heard of for
 * `silentAfterMs` is silent; it leaves the count when its row is deleted, a day later.
 */
export async function countWorkers(database: QueryAccess, silentAfterMs: number): Promise<WorkerCount[]> {
  const counted = await sql<WorkerCount>`
    SELECT CASE WHEN beat_at < now() - ${silentAfterMs}::double precision * interval '1 millisecond' THEN 'silent'
           ELSE state END AS state, count(*)::integer AS count
    FROM worker WHERE stopped_at IS NULL AND state <> 'stopped' GROUP BY 1`.execute(database.queryable);
  return counted.rows;
}

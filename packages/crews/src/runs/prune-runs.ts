import type { QueryAccess } from "@millrace/database";
import { forgetStream } from "@millrace/queue";
import { sql } from "kysely";

/** Small enough that a delete holds its locks for milliseconds. */
const batch = 100;

/**
 * Deletes runs that ended longer ago, with their outputs and files, in batches. Ends with the one at hand when the
 * signal aborts. Any number of processes may do it at once. Returns how many.
 */
export async function pruneCrewRuns(
  database: QueryAccess,
  { olderThanDays, signal }: { readonly olderThanDays: number; readonly signal: AbortSignal },
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const gone = await database.transaction(async (transaction) => {
      const deleted = await sql<{ stream: string }>`
        DELETE FROM crew_run WHERE id IN (
          SELECT id FROM crew_run WHERE finished_at < now() - ${olderThanDays}::double precision * interval '1 day'
          ORDER BY finished_at LIMIT ${batch} FOR UPDATE SKIP LOCKED)
        RETURNING stream`.execute(transaction);
      for (const stream of deleted.rows.map((row) => row.stream).toSorted())
        await forgetStream(transaction, stream);
      return deleted.rows.length;
    });
    count += gone;
    if (gone < batch) break;
  }
  return count;
}

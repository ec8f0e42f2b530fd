import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";

/** In one statement, so that its locks are held for milliseconds. */
const batchSize = 1_000;

/**
 * Queued jobs are due; where the database's clock was put back, those that were queued before would wait until it is
 * as late again. This makes them due by the clock as it is, in batches, and returns how many; where there are none
 * it costs a look into an index for each queue. The signal ends the work after the statement at hand.
 */
export async function realignQueued(database: QueryAccess, signal?: AbortSignal): Promise<number> {
  // Queue by queue, by an index: most of the table are ended jobs.
  const statement = sql`
    UPDATE job SET run_at = now() WHERE id IN (
      SELECT ahead.id FROM (SELECT queue FROM job_count UNION SELECT queue FROM job_count_change) AS known,
        LATERAL (SELECT id FROM job WHERE job.queue = known.queue AND state = 'queued' AND run_at > now()
                 ORDER BY run_at LIMIT ${sql.lit(batchSize)} FOR UPDATE SKIP LOCKED) AS ahead
      LIMIT ${sql.lit(batchSize)})`;
  for (let moved = 0; ;) {
    const { numAffectedRows = 0n } = await commit("promote", () => statement.execute(database.queryable));
    moved += Number(numAffectedRows);
    if (Number(numAffectedRows) < batchSize || signal?.aborted) return moved;
  }
}

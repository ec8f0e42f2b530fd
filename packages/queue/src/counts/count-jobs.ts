import { terminalJobStates } from "@millrace/contracts";
import type { JobState } from "@millrace/contracts";
import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";

export type JobCount = { readonly queue: string; readonly state: JobState; readonly count: number };

/**
 * The jobs of each queue by state, ended ones included until they are purged; states without any are
 * left out. Exact, and reads no job: triggers on the job table record each change with it.
 */
export async function countJobs(queryable: Queryable): Promise<JobCount[]> {
  const found = await sql<JobCount>`
    SELECT queue, state, sum(count)::bigint AS count FROM (
      SELECT queue, state, count FROM job_count UNION ALL SELECT queue, state, change FROM job_count_change
    ) AS parts
    GROUP BY queue, state HAVING sum(count) <> 0 ORDER BY queue, state`.execute(queryable);
  return found.rows;
}

/**
 * Changes in one statement. A full one takes 10 to 30 ms; too few would not keep up with 10,000 jobs a
 * second, each of which leaves up to five changes when it goes through the queue alone.
 */
const batch = 10_000;
/** Statements in one call, so that it ends however many changes come meanwhile. */
const maxBatches = 20;

/**
 * Sums up the changes, so that counting stays quick, and adds those that are ends to the minute
 * (`readEndCounts`); returns how many there were. Any number of processes
 * may do it at once: what one has taken is left by the others, and who counts meanwhile sees each change
 * exactly once. The signal ends the work after the batch at hand.
 */
export async function rollUpCounts(database: QueryAccess, signal?: AbortSignal): Promise<number> {
  let total = 0;
  for (let batches = 0; batches < maxBatches; batches++) {
    if (signal?.aborted) break;
    const taken = await rollUpBatch(database);
    total += taken;
    if (taken < batch) break;
  }
  return total;
}

async function rollUpBatch(database: QueryAccess): Promise<number> {
  // The rows of counts are locked in the order of their names: two that sum up can't deadlock.
  const statement = sql<{ taken: number }>`
    WITH taken AS (
      DELETE FROM job_count_change WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM job_count_change LIMIT ${batch} FOR UPDATE SKIP LOCKED))
      RETURNING queue, state, change
    ), summed AS (
      INSERT INTO job_count AS known (queue, state, count)
      SELECT queue, state, sum(change) FROM taken GROUP BY queue, state HAVING sum(change) <> 0 ORDER BY queue, state
      ON CONFLICT (queue, state) DO UPDATE SET count = known.count + excluded.count
    ), ended AS (
      INSERT INTO queue_end_count AS known (minute, queue, state, count)
      SELECT date_trunc('minute', now()), queue, state, sum(change) FROM taken
      WHERE change > 0 AND state = ANY(${[...terminalJobStates]}::text[]) GROUP BY queue, state ORDER BY queue, state
      ON CONFLICT (minute, queue, state) DO UPDATE SET count = known.count + excluded.count
    )
    SELECT count(*) AS taken FROM taken`;
  const rolled = await commit("roll_up_counts", () => statement.execute(database.queryable));
  return rolled.rows[0]?.taken ?? 0;
}

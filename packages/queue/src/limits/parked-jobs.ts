import { jsonb } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { TellingJob } from "../jobs/transition.ts";
import type { Parking } from "./admit.ts";

export const telling = sql`job.id, job.task, job.queue, job.owner, job.attempt`;

/**
 * Puts locked jobs, queued or in another line, into the lines of the limiters that hold them, which are
 * locked too. Owners share a line as they share a queue (`fairShares`), by the same measure of turns: a
 * job stands one turn behind the last of its owner there and never before the first of the line. Where it
 * stood before may be the head of an empty queue, from where it would pass all that wait.
 */
export async function parkJobs(
  transaction: Transaction,
  parkings: readonly Parking[],
): Promise<readonly TellingJob[]> {
  if (parkings.length === 0) return [];
  const parked = await sql<TellingJob>`
    WITH parking AS MATERIALIZED (
      SELECT job.id, parking.limiter, parking.reason, job.priority, coalesce(job.owner, '') AS owner_key, job.fair,
        row_number() OVER (PARTITION BY parking.limiter, job.priority, coalesce(job.owner, '')
                           ORDER BY job.fair, job.run_at, job.id) - 1 AS before
      FROM jsonb_to_recordset(${jsonb(parkings)}) AS parking (id uuid, limiter text, reason text)
      JOIN job ON job.id = parking.id
    ), lane AS MATERIALIZED (
      SELECT lane.*, turn, greatest(last.fair + turn, head.fair) AS first_fair
      FROM (SELECT DISTINCT limiter, priority, owner_key FROM parking) AS lane
      CROSS JOIN LATERAL (
        SELECT coalesce(1 / (SELECT weight FROM owner_weight WHERE owner = lane.owner_key), 1) AS turn
      ) AS weighed
      LEFT JOIN LATERAL (
        SELECT job.fair FROM job WHERE job.parked_by = lane.limiter AND job.priority = lane.priority
          AND coalesce(job.owner, '') = lane.owner_key
        ORDER BY job.fair DESC LIMIT 1
      ) AS last ON true
      LEFT JOIN LATERAL (
        SELECT job.fair FROM job WHERE job.parked_by = lane.limiter AND job.priority = lane.priority
        ORDER BY job.fair LIMIT 1
      ) AS head ON true
    )
    UPDATE job SET state = 'scheduled', reason = parking.reason, parked_by = parking.limiter,
      fair = greatest(parking.fair, lane.first_fair + lane.turn * parking.before)
    FROM parking JOIN lane USING (limiter, priority, owner_key)
    WHERE job.id = parking.id RETURNING ${telling}`.execute(transaction);
  return parked.rows;
}

/** Takes locked jobs out of their lines. */
export async function unparkJobs(
  transaction: Transaction,
  ids: readonly string[],
): Promise<readonly TellingJob[]> {
  if (ids.length === 0) return [];
  const released = await sql<TellingJob>`
    UPDATE job SET state = 'queued', reason = NULL, parked_by = NULL
    WHERE id = ANY(${[...ids]}::uuid[]) RETURNING ${telling}`.execute(transaction);
  return released.rows;
}

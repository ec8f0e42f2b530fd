import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** Jobs of a queue that ended within some time. Those that were cancelled or expired are neither. */
export type EndCount = { readonly queue: string; readonly succeeded: number; readonly failed: number };

/**
 * The jobs of each queue that succeeded and failed within the last seconds, to the minute, without reading
 * a job. A job that was retried by a person and ended again counts twice.
 */
export async function readEndCounts(queryable: Queryable, withinSeconds: number): Promise<EndCount[]> {
  const found = await sql<EndCount>`
    SELECT queue, coalesce(sum(count) FILTER (WHERE state = 'succeeded'), 0)::bigint AS succeeded,
           coalesce(sum(count) FILTER (WHERE state = 'failed'), 0)::bigint AS failed
    FROM queue_end_count
    WHERE minute > now() - ${withinSeconds}::double precision * interval '1 second' AND state IN ('succeeded', 'failed')
    GROUP BY queue ORDER BY queue`.execute(queryable);
  return found.rows;
}

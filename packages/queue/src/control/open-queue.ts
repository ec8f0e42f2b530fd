import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/**
 * The common table expression `open_queue` for a claiming statement: one row if and only if neither the
 * queue nor all queues together are paused. From then until the claim has committed a pause waits, so that
 * nothing is claimed any more once a pause has returned. For statements at the isolation level "read
 * committed", and before the statement locks any row.
 */
export function openQueue(queue: string): RawBuilder<unknown> {
  return sql`open_queue AS MATERIALIZED (SELECT 1 WHERE queue_is_open(${queue}))`;
}

import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/**
 * The recursive common table expression `busy`: each queue that holds queued jobs, by one look into the
 * index per queue, however many jobs it holds. Its last row is null.
 */
export const busyQueues = sql`
  busy AS (
    (SELECT queue FROM job WHERE state = 'queued' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM job WHERE state = 'queued' AND queue > busy.queue ORDER BY queue LIMIT 1)
    FROM busy WHERE busy.queue IS NOT NULL
  )`;

/** The queues that hold queued jobs, in the order of their names. */
export async function listBusyQueues(queryable: Queryable): Promise<string[]> {
  const found = await sql<{ queue: string }>`
    WITH RECURSIVE ${busyQueues} SELECT queue FROM busy WHERE queue IS NOT NULL`.execute(queryable);
  return found.rows.map((row) => row.queue);
}

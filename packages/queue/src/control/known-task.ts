import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { busyQueues } from "../counts/busy-queues.ts";
import { assertTaskName } from "./names.ts";

/** No index leads from a task to its jobs, and all of them may be millions. */
const examined = sql.lit(1000);

const newest = (state: string): RawBuilder<unknown> => sql`
  (SELECT task FROM job WHERE state = ${sql.lit(state)} ORDER BY id DESC LIMIT ${examined})`;

/**
 * Whether a worker of any process has registered the task, whatever its version, a schedule or a limit names it,
 * or there is a job of it: one that runs, or one of the thousand that are the first or the oldest of their queue,
 * the next to come due, the newest to end without success, or the newest of all. What no worker knows comes to be
 * the oldest of its queue. Throws `invalid_task_name`.
 */
export async function isKnownTask(database: QueryAccess, task: string): Promise<boolean> {
  assertTaskName(task);
  const found = await sql<{ is_known: boolean }>`
    WITH RECURSIVE ${busyQueues}, seen AS (
      (SELECT task FROM job ORDER BY id DESC LIMIT ${examined})
      UNION ALL ${newest("failed")} UNION ALL ${newest("cancelled")} UNION ALL ${newest("expired")}
      UNION ALL
      (SELECT task FROM job WHERE state = 'scheduled' AND parked_by IS NULL ORDER BY run_at LIMIT ${examined})
      UNION ALL
      SELECT first.task FROM busy CROSS JOIN LATERAL (
        SELECT task FROM job WHERE state = 'queued' AND queue = busy.queue
        ORDER BY priority DESC, fair, run_at, id LIMIT ${examined}) AS first
      UNION ALL
      SELECT oldest.task FROM busy CROSS JOIN LATERAL (
        SELECT task FROM job WHERE state = 'queued' AND queue = busy.queue ORDER BY run_at, id LIMIT ${examined}) AS oldest
    )
    SELECT EXISTS (SELECT FROM worker, unnest(worker.tasks) AS known WHERE split_part(known, '@', 1) = ${task})
      OR EXISTS (SELECT FROM schedule WHERE task = ${task})
      OR EXISTS (SELECT FROM task_control WHERE task = ${task})
      OR EXISTS (SELECT FROM job WHERE task = ${task} AND worker_id IS NOT NULL)
      OR EXISTS (SELECT FROM seen WHERE task = ${task}) AS is_known`.execute(database.queryable);
  return found.rows[0]?.is_known === true;
}

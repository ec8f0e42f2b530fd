import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** Says that a worker is there, what it runs and how much at once. */
export async function registerWorker(
  database: QueryAccess,
  worker: {
    readonly id: string;
    readonly name: string;
    readonly queues: readonly string[];
    readonly concurrency: number;
    readonly tasks: readonly string[];
  },
): Promise<void> {
  await sql`
    INSERT INTO worker (id, name, queues, concurrency, tasks)
    VALUES (${worker.id}, ${worker.name}, ${[...worker.queues]}::text[], ${worker.concurrency}, ${[...worker.tasks]}::text[])`.execute(
    database.queryable,
  );
}

export async function unregisterWorker(database: QueryAccess, id: string): Promise<void> {
  await sql`UPDATE worker SET stopped_at = now() WHERE id = ${id}`.execute(database.queryable);
}

export async function beatWorker(database: QueryAccess, id: string): Promise<void> {
  await sql`UPDATE worker SET beat_at = now() WHERE id = ${id}`.execute(database.queryable);
}

/** Each queue that holds queued jobs, by one look into the index per queue, however many jobs it holds. */
const busyQueues = sql`
  busy AS (
    (SELECT queue FROM job WHERE state = 'queued' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM job WHERE state = 'queued' AND queue > busy.queue ORDER BY queue LIMIT 1)
    FROM busy WHERE busy.queue IS NOT NULL
  )`;

const isHeardOf = (withinMs: number) => sql`
  worker.stopped_at IS NULL
  AND worker.beat_at > now() - ${withinMs}::double precision * interval '1 millisecond'`;

/** Queues that hold due jobs while no worker that was heard of within `withinMs` serves them. At most 50. */
export async function queuesWithoutWorker(database: QueryAccess, withinMs: number): Promise<string[]> {
  const found = await sql<{ queue: string }>`
    WITH RECURSIVE ${busyQueues}
    SELECT queue FROM busy WHERE queue IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM worker WHERE busy.queue = ANY(worker.queues) AND ${isHeardOf(withinMs)})
    LIMIT 50`.execute(database.queryable);
  return found.rows.map((row) => row.queue);
}

/**
 * Tasks, as `name@version`, whose due jobs stand first in their queues while workers serve the queue
 * but none knows the task: left by another version of the program. At most 50, from the first 1000
 * jobs of each queue.
 */
export async function unservedTasks(database: QueryAccess, withinMs: number): Promise<string[]> {
  const found = await sql<{ task: string }>`
    WITH RECURSIVE ${busyQueues}, first AS (
      SELECT DISTINCT busy.queue, head.task FROM busy CROSS JOIN LATERAL (
        SELECT job.task || '@' || job.task_version AS task FROM job
        WHERE job.state = 'queued' AND job.queue = busy.queue
        ORDER BY job.priority DESC, job.fair, job.run_at, job.id LIMIT 1000) AS head
    ), serving AS (
      SELECT queues, tasks FROM worker WHERE ${isHeardOf(withinMs)}
    )
    SELECT DISTINCT task FROM first
    WHERE EXISTS (SELECT 1 FROM serving WHERE first.queue = ANY(serving.queues))
      AND NOT EXISTS (SELECT 1 FROM serving WHERE first.queue = ANY(serving.queues) AND first.task = ANY(serving.tasks))
    ORDER BY task LIMIT 50`.execute(database.queryable);
  return found.rows.map((row) => row.task);
}

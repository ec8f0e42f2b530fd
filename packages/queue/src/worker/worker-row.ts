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

/** Queues that hold due jobs while no worker that was heard of within `withinMs` serves them. */
export async function queuesWithoutWorker(database: QueryAccess, withinMs: number): Promise<string[]> {
  const found = await sql<{ queue: string }>`
    SELECT DISTINCT queue FROM job WHERE state = 'queued' AND NOT EXISTS (
      SELECT 1 FROM worker WHERE job.queue = ANY(worker.queues) AND stopped_at IS NULL
        AND beat_at > now() - ${withinMs}::double precision * interval '1 millisecond')
    LIMIT 50`.execute(database.queryable);
  return found.rows.map((row) => row.queue);
}

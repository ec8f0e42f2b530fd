import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { invalidLimit } from "./control-errors.ts";
import { assertQueueName } from "./names.ts";

/** What people have set for a queue, or with `*` for all of them together. */
export type QueueSettings = {
  readonly queue: string;
  /** Jobs at once, over all workers. Null: no limit. */
  readonly max_running: number | null;
  /** Whether it is paused now; of a queue by itself, whatever `*` says. */
  readonly is_paused: boolean;
  readonly paused_at: Date | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
  /** When it goes on by itself. */
  readonly resume_at: Date | null;
  readonly updated_by: string | null;
  readonly updated_at: Date;
};

/** The queues for which somebody has set something, `*` first. The others run without limit or pause. */
export async function listQueueSettings(queryable: Queryable): Promise<QueueSettings[]> {
  // A pause that is over is none, although it is cleared only later.
  const isPaused = sql`(paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now()))`;
  const found = await sql<QueueSettings>`
    SELECT queue, max_running, is_paused, CASE WHEN is_paused THEN paused_at END AS paused_at,
           CASE WHEN is_paused THEN paused_by END AS paused_by,
           CASE WHEN is_paused THEN pause_reason END AS pause_reason,
           CASE WHEN is_paused THEN resume_at END AS resume_at, updated_by, updated_at
    FROM (SELECT *, ${isPaused} AS is_paused FROM queue_control) AS control
    ORDER BY queue <> '*', queue`.execute(queryable);
  return found.rows;
}

/**
 * Limits how many jobs of a queue run at once over all workers, or with `*` of all queues together; null
 * lifts the limit, 0 lets nothing start. Jobs that run already go on. Throws `invalid_queue_name` or
 * `invalid_limit`.
 */
export async function setQueueLimit(
  database: QueryAccess,
  queue: string,
  { maxRunning, by }: { readonly maxRunning: number | null; readonly by: string },
): Promise<void> {
  assertQueueName(queue);
  assertCount("maxRunning", maxRunning);
  const write = sql`
    INSERT INTO queue_control (queue, max_running, updated_by) VALUES (${queue}, ${maxRunning}, ${by})
    ON CONFLICT (queue) DO UPDATE SET max_running = excluded.max_running, updated_by = excluded.updated_by,
      updated_at = now()`;
  await commit("queue_limit", () => write.execute(database.queryable));
}

/** The largest `integer` of the database. */
export const maxCount = 2 ** 31 - 1;

/** Throws `invalid_limit` for what can't be a number of jobs at once. Null and undefined pass. */
export function assertCount(field: string, value: number | null | undefined): void {
  if (value === null || value === undefined) return;
  if (!Number.isSafeInteger(value) || value < 0 || value > maxCount) {
    throw invalidLimit(field, value, `it must be a whole number from 0 to ${maxCount}.`);
  }
}

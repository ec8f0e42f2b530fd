import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { pauseIsOver } from "./control-errors.ts";
import { assertQueueName } from "./names.ts";

export type PauseOptions = {
  readonly by: string;
  readonly reason?: string;
  /** When it goes on by itself. Default: when somebody says so. */
  readonly until?: Date;
};

/**
 * Pauses a queue, or all with `*`: once this has returned, none of its jobs is claimed any more, by any
 * worker. Running jobs go on. It waits for the claims under way, which take milliseconds. Pausing what is
 * paused replaces who, why and until when. Throws `invalid_queue_name` or `pause_is_over`.
 */
export async function pauseQueue(
  database: QueryAccess,
  queue: string,
  { by, reason, until }: PauseOptions,
): Promise<void> {
  assertQueueName(queue);
  const untilText = until?.toISOString() ?? null;
  // The row first, then the gate, as claims that count do it: the other way round both would wait.
  const pause = sql`
    INSERT INTO queue_control AS known (queue, paused_at, paused_by, pause_reason, resume_at, updated_by)
    SELECT ${queue}, now(), ${by}, ${reason ?? null}, ${untilText}::timestamptz, ${by}
    WHERE coalesce(${untilText}::timestamptz > now(), true)
    ON CONFLICT (queue) DO UPDATE SET
      paused_at = CASE WHEN known.resume_at <= now() THEN now() ELSE coalesce(known.paused_at, now()) END,
      paused_by = excluded.paused_by, pause_reason = excluded.pause_reason, resume_at = excluded.resume_at,
      updated_by = excluded.updated_by, updated_at = now()
    RETURNING close_queue_gate(known.queue)`;
  const paused = await commit("pause", () => pause.execute(database.queryable));
  if (paused.rows.length === 0 && until !== undefined) throw pauseIsOver(queue, until);
}

/**
 * Lets a queue go on. Returns whether it was paused; to resume one that is not does nothing. A queue
 * stays closed while all of them (`*`) are paused. Throws `invalid_queue_name`.
 */
export async function resumeQueue(
  database: QueryAccess,
  queue: string,
  { by }: { readonly by: string },
): Promise<boolean> {
  assertQueueName(queue);
  const resume = sql`
    UPDATE queue_control SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL,
           updated_by = ${by}, updated_at = now()
    WHERE queue = ${queue} AND paused_at IS NOT NULL RETURNING queue`;
  const resumed = await commit("resume", () => resume.execute(database.queryable));
  return resumed.rows.length > 0;
}

/**
 * Clears the pauses whose time is over, and returns their queues. Claims go by the time themselves: this
 * is for those who look at the queues, and so that waiting workers are told.
 */
export async function clearPastPauses(database: QueryAccess): Promise<string[]> {
  const clear = sql<{ queue: string }>`
    UPDATE queue_control SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL, updated_at = now()
    WHERE queue IN (SELECT queue FROM queue_control WHERE resume_at <= now() FOR UPDATE SKIP LOCKED)
    RETURNING queue`;
  const cleared = await commit("resume", () => clear.execute(database.queryable));
  return cleared.rows.map((row) => row.queue);
}

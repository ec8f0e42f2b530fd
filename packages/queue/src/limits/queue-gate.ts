import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import { openQueue } from "../control/open-queue.ts";
import { anyRunning } from "../jobs/any-running.ts";
import { planSettings } from "./plan-settings.ts";

/** Whether and how much may be claimed from a queue. */
export type QueueGate = {
  readonly isOpen: boolean;
  /** Whether `max_running` is set, of the queue or of all queues. */
  readonly isCounted: boolean;
  /** Jobs that may be started; infinite when nobody counts. */
  readonly room: number;
};

/** In the order of job_claim: without one any row would do, and the plan might look for it in the table. */
const anyQueued = (queue: string) => sql`
  (SELECT id FROM job WHERE queue = ${queue} AND state = 'queued' ORDER BY priority DESC, fair, run_at, id LIMIT 1)`;

/**
 * Begins a claim: looks without locking anything, so that one in vain writes nothing. `hasQueued` says
 * whether a job of any task is queued there.
 */
export async function readGate(
  transaction: Transaction,
  queue: string,
): Promise<QueueGate & { readonly hasQueued: boolean }> {
  const found = await sql<{ is_open: boolean; is_counted: boolean; has_queued: boolean }>`
    SELECT ${planSettings}, ${anyQueued(queue)} IS NOT NULL AS has_queued,
      EXISTS (SELECT FROM queue_control WHERE queue IN (${queue}, '*') AND max_running IS NOT NULL) AS is_counted,
      NOT EXISTS (SELECT FROM queue_control WHERE queue IN (${queue}, '*') AND paused_at IS NOT NULL
                  AND (resume_at IS NULL OR resume_at > now())) AS is_open`.execute(transaction);
  const [row] = found.rows;
  const isCounted = row?.is_counted ?? false;
  return {
    isOpen: row?.is_open ?? false,
    isCounted,
    room: isCounted ? await readRoom(transaction, queue) : Infinity,
    hasQueued: row?.has_queued ?? false,
  };
}

/**
 * The same, and it stays true until the transaction ends: nobody else counts what runs under the same
 * `max_running`, and a pause waits. Locks rows of queue_control in the order of their names, then the
 * gates of the queue; to be called before any job is locked.
 */
export async function enterGate(
  transaction: Transaction,
  queue: string,
  { isCounted }: QueueGate,
): Promise<QueueGate> {
  if (isCounted) {
    // As strong as to keep out others who count, and no stronger: claims that do not count go on.
    await sql`
      SELECT FROM queue_control WHERE queue IN (${queue}, '*') AND max_running IS NOT NULL
      ORDER BY queue FOR NO KEY UPDATE`.execute(transaction);
  }
  const found = await sql<{ is_open: boolean }>`
    WITH ${openQueue(queue)} SELECT EXISTS (SELECT FROM open_queue) AS is_open`.execute(transaction);
  // A statement of its own: only one that begins after the lock sees what others claimed before it.
  const room = isCounted ? await readRoom(transaction, queue) : Infinity;
  return { isOpen: found.rows[0]?.is_open ?? false, isCounted, room };
}

/** Uses job_running, which is as small as the number of jobs that run. */
async function readRoom(transaction: Transaction, queue: string): Promise<number> {
  const found = await sql<{ room: number | null }>`
    SELECT min(max_running - (
      SELECT count(*) FROM job
      WHERE ${anyRunning} AND (queue_control.queue = '*' OR job.queue = queue_control.queue)
    )) AS room
    FROM queue_control WHERE queue IN (${queue}, '*') AND max_running IS NOT NULL`.execute(transaction);
  return found.rows[0]?.room ?? Infinity;
}

import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import { openQueue } from "../control/open-queue.ts";
import { planSettings } from "./plan-settings.ts";

/** Whether and how much may be claimed from a queue. */
export type QueueGate = {
  readonly isOpen: boolean;
  /** Jobs that `max_running` of the queue and of all queues leaves; undefined when neither is set. */
  readonly room: number | undefined;
};

type GateRow = { readonly is_open: boolean; readonly room: number | null };

/** Uses job_running, which is as small as the number of jobs that run. */
const room = sql`
  SELECT min(max_running - (
    SELECT count(*) FROM job WHERE state = 'running' AND (queue_control.queue = '*' OR job.queue = queue_control.queue)
  )) FROM queue_control`;

/**
 * Begins a claim: looks without locking anything, so that one in vain writes nothing. `hasQueued` says
 * whether a due job of any task is in the queue.
 */
export async function readGate(
  transaction: Transaction,
  queue: string,
): Promise<QueueGate & { readonly hasQueued: boolean }> {
  const found = await sql<GateRow & { has_queued: boolean }>`
    SELECT ${planSettings}, NOT EXISTS (SELECT FROM queue_control WHERE queue IN (${queue}, '*') AND paused_at IS NOT NULL
                       AND (resume_at IS NULL OR resume_at > now())) AS is_open,
      (${room} WHERE queue IN (${queue}, '*') AND max_running IS NOT NULL) AS room,
      EXISTS (SELECT FROM job WHERE queue = ${queue} AND state = 'queued' AND run_at <= now()) AS has_queued`.execute(
    transaction,
  );
  const [row] = found.rows;
  return { ...gateOf(row), hasQueued: row?.has_queued ?? false };
}

/**
 * The same, and it stays true until the transaction ends: nobody else counts what runs under the same
 * `max_running`, and a pause waits. Locks rows of queue_control in the order of their names, then the
 * gates of the queue; to be called before any job is locked.
 */
export async function enterGate(
  transaction: Transaction,
  queue: string,
  seen: QueueGate,
): Promise<QueueGate> {
  if (seen.room !== undefined) {
    // As strong as to keep out others who count, and no stronger: claims that do not count go on.
    await sql`
      SELECT FROM queue_control WHERE queue IN (${queue}, '*') AND max_running IS NOT NULL
      ORDER BY queue FOR NO KEY UPDATE`.execute(transaction);
  }
  // A statement of its own: only one that begins after the lock sees what others claimed before it.
  const found = await sql<GateRow>`
    WITH ${openQueue(queue)}
    SELECT EXISTS (SELECT FROM open_queue) AS is_open,
      (${room} WHERE queue IN (${queue}, '*') AND max_running IS NOT NULL) AS room`.execute(transaction);
  return gateOf(found.rows[0]);
}

function gateOf(row: GateRow | undefined): QueueGate {
  return { isOpen: row?.is_open ?? false, room: row?.room ?? undefined };
}

import { isTerminal } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import { alreadyFinished, jobNotFound } from "../errors.ts";
import { joinEnded } from "../workflows/join.ts";
import type { EndedMember } from "../workflows/join.ts";
import { lockMember } from "../workflows/lock-workflows.ts";
import type { WriteScope } from "../write-scope.ts";
import type { LockedRow } from "./job-row.ts";
import { lockRows } from "./lock-job.ts";
import { transitionOf } from "./transition.ts";
import { cancelIdle } from "./write-end.ts";
import type { EndingParts } from "./write-end.ts";

export type CancelParts = EndingParts & { readonly onCancelRequested: (id: string) => void };

/**
 * Cancels a job whatever its state, also with no worker alive, and with it all that was enqueued below it:
 * its children, and theirs, also of those that have ended. One that does not run ends now; a running one is
 * told to stop and ends when it has, or when its lease runs out. Twice is the same as once, also when the
 * first has had its effect. Throws `job_not_found`, or `already_finished` when it has ended in another way.
 */
export async function cancelJob(
  scope: WriteScope,
  parts: CancelParts,
  id: string,
): Promise<"cancelled" | "cancelling"> {
  const job = await lockMember(scope.transaction, id);
  if (job === undefined) throw jobNotFound(id);
  if (isTerminal(job.state) && job.state !== "cancelled") throw alreadyFinished(id, job.state);
  await cancelLocked(scope, parts, [job]);
  return job.state === "running" ? "cancelling" : "cancelled";
}

/**
 * The same for jobs that the caller has locked in the order of their ids, after the workflows of those that
 * are blocked; those that have ended stay as they
 * are, and what is below them is cancelled all the same.
 */
export async function cancelLocked(
  scope: WriteScope,
  parts: CancelParts,
  jobs: readonly LockedRow[],
): Promise<void> {
  // All rows of jobs before what the domains write at their ends, and that by stream: the lock order.
  const below = await lockOpenBelow(
    scope.transaction,
    jobs.map(({ id }) => id),
  );
  const all = [...jobs, ...below].toSorted((left, right) => (left.stream < right.stream ? -1 : 1));
  const open = all.filter(({ state }) => !isTerminal(state));
  const idle = open.filter(({ state }) => state !== "running");
  await joinEnded(scope, parts, idle.flatMap(asEndedMember));
  await cancelIdle(scope, parts, idle);
  for (const job of open) if (job.state === "running") await requestCancel(scope, parts, job);
}

function asEndedMember({ id, workflow_id }: LockedRow): EndedMember[] {
  if (workflow_id === null) return [];
  return [{ jobId: id, workflowId: workflow_id, state: "cancelled", error: null }];
}

/** Level by level, the parents locked before their children are read: a locked job can't enqueue more. */
async function lockOpenBelow(transaction: Transaction, ids: readonly string[]): Promise<LockedRow[]> {
  const seen = new Set(ids);
  const open: LockedRow[] = [];
  for (let parents = [...ids]; parents.length > 0;) {
    const found = await sql<{ id: string; is_open: boolean }>`
      SELECT id, finished_at IS NULL AS is_open FROM job WHERE parent_id = ANY(${parents}::uuid[])`.execute(
      transaction,
    );
    const children = found.rows.filter((row) => !seen.has(row.id));
    const openIds = children.filter(({ is_open }) => is_open).map((row) => row.id);
    const locked = openIds.length === 0 ? [] : await lockRows(transaction, openIds);
    open.push(...locked);
    parents = children.map((row) => row.id);
    for (const child of parents) seen.add(child);
  }
  return open;
}

async function requestCancel(scope: WriteScope, parts: CancelParts, job: LockedRow): Promise<void> {
  await sql`
    UPDATE job SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE id = ${job.id}`.execute(
    scope.transaction,
  );
  scope.afterCommit(() => {
    parts.bus.publishTransition(transitionOf("cancel_requested", job, "running"));
    parts.onCancelRequested(job.id);
  });
}

import { sql } from "kysely";
import { alreadyFinished, jobNotFound } from "../errors.ts";
import type { WriteScope } from "../write-scope.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import { isTerminal } from "@millrace/contracts";
import { lockJob } from "./lock-job.ts";
import { transitionOf } from "./transition.ts";

type CancelParts = EndingParts & { readonly onCancelRequested: (id: string) => void };

/**
 * Cancels a job whatever its state, also with no worker alive, and with it what it enqueued as its
 * children. One that does not run ends now; a running one is told to stop and ends when it has, or when
 * its lease runs out. Twice is the same as once, also when the first has had its effect. Throws
 * `job_not_found`, or `already_finished` when it has ended in another way.
 */
export async function cancelJob(
  scope: WriteScope,
  parts: CancelParts,
  id: string,
): Promise<"cancelled" | "cancelling"> {
  const outcome = await cancelOne(scope, parts, id);
  for (const child of await openChildren(scope, id)) await cancelJob(scope, parts, child);
  return outcome;
}

/** Locks them too, in the order of their ids, which are later than their parent's. */
async function openChildren(scope: WriteScope, id: string): Promise<string[]> {
  const found = await sql<{ id: string }>`
    SELECT id FROM job WHERE parent_id = ${id} AND finished_at IS NULL ORDER BY id FOR UPDATE`.execute(
    scope.transaction,
  );
  return found.rows.map((row) => row.id);
}

async function cancelOne(
  scope: WriteScope,
  parts: CancelParts,
  id: string,
): Promise<"cancelled" | "cancelling"> {
  const job = await lockJob(scope.transaction, id);
  if (job === undefined) throw jobNotFound(id);
  if (job.state === "cancelled") return "cancelled";
  if (isTerminal(job.state)) throw alreadyFinished(id, job.state);
  if (job.state !== "running") {
    await endJob(scope, parts, job, { state: "cancelled" });
    return "cancelled";
  }
  await sql`
    UPDATE job SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE id = ${id}`.execute(
    scope.transaction,
  );
  scope.afterCommit(() => {
    parts.bus.publishTransition(transitionOf("cancel_requested", job, "running"));
    parts.onCancelRequested(id);
  });
  return "cancelling";
}

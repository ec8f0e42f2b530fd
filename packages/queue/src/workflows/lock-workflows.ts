import type { JobState } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { LockedJob } from "../jobs/job-row.ts";
import { lockJob, lockJobs } from "../jobs/lock-job.ts";
import type { JobFlow } from "./flow.ts";
import type { JobTemplate } from "./compile.ts";

/** The job that follows a workflow's end. `input` is JSON text. */
export type StoredCallback = JobTemplate & Pick<JobFlow, "takes" | "takesKey"> & { readonly input: string };

export type LockedWorkflow = {
  readonly id: string;
  readonly owner: string | null;
  readonly state: "running" | "succeeded" | "failed" | "cancelled";
  readonly is_cancelling: boolean;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  readonly on_success: StoredCallback | null;
  readonly on_failure: StoredCallback | null;
  readonly trace_parent: string | null;
};

/**
 * Takes the turns of workflows: until the transaction ends nobody else changes their nodes, or a job of theirs
 * that is blocked. The lock order: jobs that are not blocked, by id; workflows, by id; blocked jobs, by id.
 */
export async function lockWorkflows(
  transaction: Transaction,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LockedWorkflow>> {
  const found = await sql<LockedWorkflow>`
    SELECT id, owner, state, cancel_requested_at IS NOT NULL AS is_cancelling, tags, meta, on_success, on_failure,
           trace_parent
    FROM workflow WHERE id = ANY(${[...new Set(ids)]}::uuid[]) ORDER BY id FOR UPDATE`.execute(transaction);
  return new Map(found.rows.map((row) => [row.id, row]));
}

/**
 * Locks a job that may be blocked, before anything else of its workflow is locked: then its workflow first, so
 * that nobody who releases it meanwhile waits for it. Undefined when there is none.
 */
export async function lockMember(transaction: Transaction, id: string): Promise<LockedJob | undefined> {
  for (;;) {
    const found = await sql<{ workflow_id: string | null; state: JobState }>`
      SELECT workflow_id, state FROM job WHERE id = ${id}`.execute(transaction);
    const [seen] = found.rows;
    if (seen === undefined) return undefined;
    // Only these may be blocked when their row is locked: one that was skipped is when it is tried again.
    if (seen.workflow_id === null || (seen.state !== "blocked" && seen.state !== "cancelled")) {
      return await lockJob(transaction, id);
    }
    await sql`SAVEPOINT before_member`.execute(transaction);
    const isBlocked = seen.state === "blocked";
    if (isBlocked) await lockWorkflows(transaction, [seen.workflow_id]);
    const [job] = await lockJobs(transaction, [id], sql`${isBlocked} = (job.state = 'blocked')`);
    if (job !== undefined) {
      await sql`RELEASE SAVEPOINT before_member`.execute(transaction);
      return job;
    }
    // It was released or blocked again meanwhile, and is locked in the wrong order.
    await sql`ROLLBACK TO SAVEPOINT before_member`.execute(transaction);
  }
}

/** For who locks several jobs without waiting for them: the workflows of those that are blocked come first. */
export async function lockWorkflowsOfBlocked(
  transaction: Transaction,
  jobIds: readonly string[],
): Promise<void> {
  const found = await sql<{ id: string }>`
    SELECT DISTINCT workflow_id AS id FROM job
    WHERE id = ANY(${[...jobIds]}::uuid[]) AND state = 'blocked' AND workflow_id IS NOT NULL`.execute(
    transaction,
  );
  if (found.rows.length === 0) return;
  await lockWorkflows(
    transaction,
    found.rows.map(({ id }) => id),
  );
}

import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
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

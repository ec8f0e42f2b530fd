import type { WorkflowNodeKind, WorkflowNodeState, WorkflowPolicy } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { LockedWorkflow } from "./lock-workflows.ts";
import type { EndingParts } from "../jobs/write-end.ts";

/** A node, by the workflow and its number in it. */
export type NodePlace = { readonly workflow_id: string; readonly number: number };

export type NodeError = { readonly error_code: string | null; readonly error_message: string | null };

/** A node that has just ended, for the node that it is a part of. */
export type EndedNode = NodePlace &
  NodeError & { readonly parent: number | null; readonly position: number; readonly is_success: boolean };

export type NodeRow = NodePlace &
  NodeError & {
    readonly parent: number | null;
    readonly position: number;
    readonly kind: WorkflowNodeKind;
    readonly state: WorkflowNodeState;
    readonly policy: WorkflowPolicy | null;
    readonly size: number;
    readonly is_stopping: boolean;
  };

/** What a join works with: its parts, and the workflows whose rows it holds. */
export type Joining = {
  readonly parts: EndingParts;
  readonly workflows: ReadonlyMap<string, LockedWorkflow>;
};

export type NodeEnd = NodePlace &
  NodeError & { readonly state: "succeeded" | "failed" | "cancelled" | "skipped" };

/** Ends nodes that consist of others, and gives them as what they are parts of sees them. */
export async function endNodes(transaction: Transaction, ends: readonly NodeEnd[]): Promise<EndedNode[]> {
  if (ends.length === 0) return [];
  const each = <Value>(value: (end: NodeEnd) => Value): Value[] => ends.map(value);
  const ended = await sql<EndedNode>`
    UPDATE workflow_node AS node SET state = given.state, error_code = given.error_code, error_message = given.error_message
    FROM unnest(
      ${each((end) => end.workflow_id)}::uuid[], ${each(({ number }) => number)}::integer[],
      ${each(({ state }) => state)}::text[], ${each((end) => end.error_code)}::text[],
      ${each((end) => end.error_message)}::text[]
    ) AS given (workflow_id, number, state, error_code, error_message)
    WHERE node.workflow_id = given.workflow_id AND node.number = given.number
    RETURNING node.workflow_id, node.number, node.parent, node.position, node.state = 'succeeded' AS is_success,
      node.error_code, node.error_message`.execute(transaction);
  return ended.rows;
}

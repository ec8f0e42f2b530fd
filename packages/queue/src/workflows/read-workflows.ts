import type { JobState, WorkflowNodeState, WorkflowState } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { Owners } from "../jobs/list-jobs.ts";
import type { NodeRow } from "./nodes.ts";

export type WorkflowRecord = {
  readonly id: string;
  readonly name: string | null;
  readonly owner: string | null;
  readonly state: WorkflowState;
  readonly is_cancelling: boolean;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  readonly total_jobs: number;
  readonly ended_jobs: number;
  readonly failed_jobs: number;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly callback_job_id: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
};

const columns = sql`
  id, name, owner, state, cancel_requested_at IS NOT NULL AND finished_at IS NULL AS is_cancelling, tags, meta,
  total_jobs, ended_jobs, failed_jobs, error_code, error_message, callback_job_id, created_at, finished_at`;

export async function findWorkflow(queryable: Queryable, id: string): Promise<WorkflowRecord | undefined> {
  const found = await sql<WorkflowRecord>`SELECT ${columns} FROM workflow WHERE id = ${id}`.execute(
    queryable,
  );
  return found.rows[0];
}

export type WorkflowFilter = {
  readonly owners: Owners;
  readonly state?: WorkflowState | undefined;
  readonly name?: string | undefined;
  /** Workflows with a smaller id: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Workflows of some owners, newest first. Read by workflow_owner, in order. */
export async function listWorkflows(queryable: Queryable, filter: WorkflowFilter): Promise<WorkflowRecord[]> {
  const { owners, state = null, name = null, before = null, limit } = filter;
  if (owners.length === 0) return [];
  const pages = owners.map(
    (owner) => sql`(
      SELECT id AS page_id FROM workflow
      WHERE ${owner === null ? sql`owner IS NULL` : sql`owner = ${owner}`}
        AND (${state}::text IS NULL OR state = ${state}) AND (${name}::text IS NULL OR name = ${name})
        AND (${before}::uuid IS NULL OR id < ${before}::uuid)
      ORDER BY id DESC LIMIT ${limit})`,
  );
  const found = await sql<WorkflowRecord>`
    SELECT ${columns} FROM workflow JOIN (${sql.join(pages, sql` UNION ALL `)}) AS page ON page_id = id
    ORDER BY id DESC LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

export type TreeNode = NodeRow & {
  readonly task: string | null;
  readonly job_id: string | null;
  readonly job_state: JobState | null;
  readonly counts: Partial<Record<WorkflowNodeState, number>> | null;
  readonly children: readonly TreeNode[];
};

/** Nodes in one answer, whatever the members asked for: what a page can draw, and a program read at once. */
const maxNodes = 5_000;

type FlatNode = Omit<TreeNode, "counts" | "children">;

/** The tree of a workflow, of each node at most so many members, the first ones, with counts of all. */
export async function readTree(
  queryable: Queryable,
  id: string,
  { members }: { readonly members: number },
): Promise<TreeNode | undefined> {
  const found = await sql<FlatNode>`
    WITH RECURSIVE shown AS (
      SELECT number, 0 AS depth FROM workflow_node WHERE workflow_id = ${id} AND number = 1
      UNION ALL
      SELECT node.number, shown.depth + 1 FROM shown
      JOIN workflow_node AS node ON node.workflow_id = ${id} AND node.parent = shown.number AND node.position < ${members}
    ), first AS (SELECT number FROM shown ORDER BY depth, number LIMIT ${maxNodes})
    SELECT node.workflow_id, node.number, node.parent, node.position, node.kind, node.state, node.policy, node.size,
           node.is_stopping, node.error_code, node.error_message, node.job_id, job.state AS job_state,
           coalesce(job.task, node.template ->> 'task') AS task
    FROM first JOIN workflow_node AS node ON node.workflow_id = ${id} AND node.number = first.number
    LEFT JOIN job ON job.id = node.job_id
    ORDER BY node.parent NULLS FIRST, node.position`.execute(queryable);
  const counted = await sql<{ parent: number; state: WorkflowNodeState; count: number }>`
    SELECT parent, state, count(*) AS count FROM workflow_node
    WHERE workflow_id = ${id} AND parent = ANY(${found.rows.map(({ number }) => number)}::integer[])
    GROUP BY parent, state`.execute(queryable);
  const children = Map.groupBy(found.rows, ({ parent }) => parent);
  const counts = Map.groupBy(counted.rows, ({ parent }) => parent);
  const build = (node: FlatNode): TreeNode => ({
    ...node,
    counts:
      node.kind === "job"
        ? null
        : Object.fromEntries((counts.get(node.number) ?? []).map(({ state, count }) => [state, count])),
    children: (children.get(node.number) ?? []).map(build),
  });
  const root = found.rows.find(({ parent }) => parent === null);
  return root === undefined ? undefined : build(root);
}

import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";
import type { Joining, NodePlace } from "./nodes.ts";
import { skipNodes } from "./skip.ts";

/**
 * Stops what runs below these nodes: nothing more is released there, what waits is skipped, and jobs are
 * marked to be cancelled by `stopMembers`, in a transaction of its own: locking them here, after their workflow,
 * would wait for those who end one of them and wait for the workflow. Gives the nodes that were marked.
 */
export async function stopGroups(
  scope: WriteScope,
  joining: Joining,
  groups: readonly NodePlace[],
): Promise<ReadonlySet<string>> {
  if (groups.length === 0) return new Set();
  const marked = await sql<NodePlace & { job_id: string | null }>`
    WITH RECURSIVE below AS (
      SELECT node.workflow_id, node.number, node.state FROM unnest(
        ${groups.map((node) => node.workflow_id)}::uuid[], ${groups.map(({ number }) => number)}::integer[]
      ) AS given (workflow_id, number)
      JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.parent = given.number
      UNION ALL
      SELECT node.workflow_id, node.number, node.state FROM below
      JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.parent = below.number
      WHERE below.state = 'running'
    )
    UPDATE workflow_node AS node SET is_stopping = true FROM below
    WHERE node.workflow_id = below.workflow_id AND node.number = below.number AND node.state = 'running'
    RETURNING node.workflow_id, node.number, node.job_id`.execute(scope.transaction);
  await skipNodes(
    scope,
    joining,
    marked.rows.filter(({ job_id }) => job_id === null).map((node) => ({ ...node, from: 0 })),
  );
  const ids = new Set(groups.map(({ workflow_id }) => workflow_id));
  scope.afterCommit(() => {
    for (const id of ids) joining.parts.onStopping?.(id);
  });
  return new Set(marked.rows.map((row) => `${row.workflow_id} ${row.number}`));
}

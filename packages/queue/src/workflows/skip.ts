import { sql } from "kysely";
import { lockRows } from "../jobs/lock-job.ts";
import { cancelIdle } from "../jobs/write-end.ts";
import type { WriteScope } from "../write-scope.ts";
import type { Joining, NodePlace } from "./nodes.ts";

/** The parts of a node that are not to run: those from a position on. */
export type SkippedNode = NodePlace & { readonly from: number };

/**
 * Marks what has not begun of these parts, and all below them, as skipped, and ends their jobs as cancelled:
 * their rows are locked by whoever holds the workflow.
 */
export async function skipNodes(
  scope: WriteScope,
  joining: Joining,
  skipped: readonly SkippedNode[],
): Promise<void> {
  if (skipped.length === 0) return;
  const { transaction } = scope;
  const found = await sql<{ workflow_id: string; job_id: string | null }>`
    WITH RECURSIVE below AS (
      SELECT node.workflow_id, node.number FROM unnest(
        ${skipped.map((node) => node.workflow_id)}::uuid[], ${skipped.map(({ number }) => number)}::integer[],
        ${skipped.map(({ from }) => from)}::integer[]
      ) AS given (workflow_id, number, from_position)
      JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.parent = given.number
        AND node.position >= given.from_position
      UNION ALL
      SELECT node.workflow_id, node.number FROM below
      JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.parent = below.number
    )
    UPDATE workflow_node AS node SET state = 'skipped' FROM below
    WHERE node.workflow_id = below.workflow_id AND node.number = below.number AND node.state = 'blocked'
    RETURNING node.workflow_id, node.job_id`.execute(transaction);
  await cancelBlocked(
    scope,
    joining,
    found.rows.flatMap(({ job_id }) => (job_id === null ? [] : [job_id])),
  );
}

/** Ends blocked jobs as cancelled, and counts them. */
export async function cancelBlocked(
  scope: WriteScope,
  { parts }: Joining,
  jobIds: readonly string[],
): Promise<void> {
  if (jobIds.length === 0) return;
  const { transaction } = scope;
  await cancelIdle(scope, parts, await lockRows(transaction, jobIds));
  await sql`
    UPDATE workflow SET ended_jobs = workflow.ended_jobs + sum.count, failed_jobs = workflow.failed_jobs + sum.count
    FROM (SELECT workflow_id, count(*) AS count FROM job WHERE id = ANY(${[...jobIds]}::uuid[]) GROUP BY workflow_id) AS sum
    WHERE workflow.id = sum.workflow_id`.execute(transaction);
}

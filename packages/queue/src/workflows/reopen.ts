import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { LockedJob } from "../jobs/job-row.ts";
import { lockJobs } from "../jobs/lock-job.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import type { EndingParts } from "../jobs/write-end.ts";
import type { WriteScope } from "../write-scope.ts";
import { tellChanged } from "./join.ts";
import { lockWorkflows } from "./lock-workflows.ts";
import type { NodePlace, NodeRow } from "./nodes.ts";
import { workflowIsStopping, workflowJobWasSkipped } from "./workflow-errors.ts";

/**
 * Opens the workflows of members that are tried again: what they are parts of runs again, what was skipped
 * because of them is blocked again, and jobs that were cancelled because of them are to be tried again too: those
 * are given, locked. A member of a group that has succeeded without it stays outside: what came after is not
 * done twice. Throws `workflow_job_was_skipped` for a job whose turn never came, and `workflow_is_stopping`.
 */
export async function reopenWorkflows(
  scope: WriteScope,
  parts: EndingParts,
  jobs: readonly LockedJob[],
): Promise<LockedJob[]> {
  const members = jobs.flatMap(({ workflow_id }) => (workflow_id === null ? [] : [workflow_id]));
  if (members.length === 0) return [];
  const { transaction } = scope;
  const workflows = await lockWorkflows(transaction, members);
  const ids = jobs.filter(({ workflow_id }) => workflow_id !== null).map(({ id }) => id);
  await assertRetryable(transaction, ids);
  const stopped = await findStopped(transaction, ids);
  const further = stopped.length === 0 ? [] : await lockJobs(transaction, stopped);

  const all = [...ids, ...stopped];
  const opened = await openNodes(transaction, all);
  const restored = await restoreSkipped(transaction, opened);
  await recount(transaction, opened);
  await openRows(transaction, [...all, ...restored.map(({ id }) => id)]);
  scope.afterCommit(() => {
    for (const job of restored) parts.bus.publishTransition(transitionOf("blocked", job, "blocked"));
  });
  tellChanged(scope, { parts, workflows });
  return further;
}

/** Their nodes and what those are parts of, up to the first that has not ended without success. */
const above = (ids: readonly string[]) => sql`
  WITH RECURSIVE above AS (
    SELECT workflow_id, number, parent, state FROM workflow_node WHERE job_id = ANY(${[...ids]}::uuid[])
    UNION
    SELECT node.workflow_id, node.number, node.parent, node.state FROM above
    JOIN workflow_node AS node ON node.workflow_id = above.workflow_id AND node.number = above.parent
    WHERE above.state IN ('failed', 'cancelled')
  )`;

async function assertRetryable(transaction: Transaction, ids: readonly string[]): Promise<void> {
  const found = await sql<Pick<NodeRow, "state"> & { job_id: string | null; is_busy: boolean }>`
    ${above(ids)} SELECT node.job_id, node.state,
      node.state = 'running' AND (node.is_stopping OR (node.policy = 'stop' AND node.unsuccessful > 0)) AS is_busy
    FROM above JOIN workflow_node AS node ON node.workflow_id = above.workflow_id AND node.number = above.number`.execute(
    transaction,
  );
  for (const { job_id, state, is_busy } of found.rows) {
    if (job_id !== null && state === "skipped") throw workflowJobWasSkipped(job_id);
    if (is_busy) throw workflowIsStopping();
  }
}

/** Members of the same groups that were cancelled because these did not succeed. */
async function findStopped(transaction: Transaction, ids: readonly string[]): Promise<string[]> {
  const found = await sql<{ job_id: string }>`
    ${above(ids)}, below AS (
      SELECT workflow_id, number FROM above WHERE state IN ('failed', 'cancelled')
      UNION
      SELECT node.workflow_id, node.number FROM below
      JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.parent = below.number
      WHERE node.state = 'cancelled'
    )
    SELECT node.job_id FROM below
    JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.number = below.number
    WHERE node.job_id <> ALL(${[...ids]}::uuid[]) AND node.state = 'cancelled' AND node.is_stopping
    ORDER BY node.job_id`.execute(transaction);
  return found.rows.map(({ job_id }) => job_id);
}

async function openNodes(transaction: Transaction, ids: readonly string[]): Promise<readonly NodePlace[]> {
  const opened = await sql<NodePlace>`
    ${above(ids)}, opened AS (
      UPDATE workflow_node AS node SET state = 'running', is_stopping = false, error_code = NULL, error_message = NULL
      FROM above WHERE node.workflow_id = above.workflow_id AND node.number = above.number
        AND node.state IN ('failed', 'cancelled')
    )
    SELECT workflow_id, number FROM above WHERE state IN ('failed', 'cancelled', 'running')`.execute(
    transaction,
  );
  return opened.rows;
}

/** What was skipped in chains that run again. */
async function restoreSkipped(
  transaction: Transaction,
  opened: readonly NodePlace[],
): Promise<readonly TellingJob[]> {
  const restored = await sql<TellingJob>`
    WITH RECURSIVE below AS (
      SELECT node.workflow_id, node.number FROM unnest(
        ${opened.map((node) => node.workflow_id)}::uuid[], ${opened.map(({ number }) => number)}::integer[]
      ) AS given (workflow_id, number)
      JOIN workflow_node AS chain ON chain.workflow_id = given.workflow_id AND chain.number = given.number
      JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.parent = given.number
      WHERE chain.kind IN ('chain', 'chord') AND node.state = 'skipped'
      UNION ALL
      SELECT node.workflow_id, node.number FROM below
      JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.parent = below.number
    ), restored AS (
      UPDATE workflow_node AS node SET state = 'blocked', is_stopping = false, error_code = NULL, error_message = NULL
      FROM below
      WHERE node.workflow_id = below.workflow_id AND node.number = below.number AND node.state = 'skipped'
      RETURNING node.job_id
    ), jobs AS MATERIALIZED (
      SELECT id FROM job WHERE id IN (SELECT job_id FROM restored WHERE job_id IS NOT NULL) ORDER BY id FOR UPDATE
    )
    UPDATE job SET state = 'blocked', finished_at = NULL, purge_at = NULL, cancel_requested_at = NULL, error_code = NULL,
           error_message = NULL
    FROM jobs WHERE job.id = jobs.id
    RETURNING job.id, job.task, job.queue, job.owner, job.attempt`.execute(transaction);
  return restored.rows;
}

/** Counts anew what is left to wait for, where parts run again. */
async function recount(transaction: Transaction, opened: readonly NodePlace[]): Promise<void> {
  await sql`
    UPDATE workflow_node AS node SET remaining = sum.remaining, unsuccessful = sum.unsuccessful
    FROM (
      SELECT part.workflow_id, part.parent,
             count(*) FILTER (WHERE part.state IN ('running', 'blocked')) AS remaining,
             count(*) FILTER (WHERE part.state IN ('failed', 'cancelled', 'skipped')) AS unsuccessful
      FROM unnest(
        ${opened.map((place) => place.workflow_id)}::uuid[], ${opened.map(({ number }) => number)}::integer[]
      ) AS given (workflow_id, number)
      JOIN workflow_node AS part ON part.workflow_id = given.workflow_id AND part.parent = given.number
      GROUP BY part.workflow_id, part.parent
    ) AS sum
    WHERE node.workflow_id = sum.workflow_id AND node.number = sum.parent AND node.state = 'running'`.execute(
    transaction,
  );
}

async function openRows(transaction: Transaction, jobIds: readonly string[]): Promise<void> {
  await sql`
    WITH sum AS (
      SELECT workflow_id, count(*) AS count FROM workflow_node WHERE job_id = ANY(${[...jobIds]}::uuid[])
      GROUP BY workflow_id
    )
    UPDATE workflow SET ended_jobs = workflow.ended_jobs - sum.count, failed_jobs = workflow.failed_jobs - sum.count
    FROM sum WHERE workflow.id = sum.workflow_id`.execute(transaction);
  await sql`
    UPDATE workflow SET state = 'running', finished_at = NULL, purge_at = NULL, cancel_requested_at = NULL,
           error_code = NULL, error_message = NULL
    FROM workflow_node AS node
    WHERE node.job_id = ANY(${[...jobIds]}::uuid[]) AND workflow.id = node.workflow_id
      AND workflow.state IN ('failed', 'cancelled')
      AND EXISTS (SELECT FROM workflow_node AS root
                  WHERE root.workflow_id = workflow.id AND root.number = 1 AND root.state = 'running')`.execute(
    transaction,
  );
}

import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { LockedJob } from "../jobs/job-row.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import type { EndingParts } from "../jobs/write-end.ts";
import type { WriteScope } from "../write-scope.ts";
import { advance, tellChanged } from "./join.ts";
import type { RetriedJobs } from "./lock-retried.ts";
import { lockWorkflows } from "./lock-workflows.ts";
import { nodesAbove } from "./nodes-above.ts";
import type { Joining, NodePlace } from "./nodes.ts";
import { releaseNodes } from "./release.ts";
import type { Release } from "./release.ts";
import { workflowIsStopping } from "./workflow-errors.ts";

/**
 * Opens the workflows of members that are tried again: what they are parts of runs again, what was skipped
 * because of them is blocked again, what was stopped because of them goes on. With `whole` everything of that
 * workflow that did not succeed. A member of a group that has succeeded without it stays outside: what came
 * after is not done twice. Gives whether chains go on that were stopped between two of their parts. Throws
 * `workflow_is_stopping`.
 */
export async function reopenWorkflows(
  scope: WriteScope,
  parts: EndingParts,
  { asked, further, workflows }: RetriedJobs,
  whole?: string,
): Promise<boolean> {
  const members = asked.filter(({ workflow_id }) => workflow_id !== null);
  if (members.length === 0 && whole === undefined) return false;
  const { transaction } = scope;
  const isOpenable = (id: string | null): boolean => id !== null && workflows.has(id);
  await leaveAlone(
    transaction,
    members.filter((job) => !isOpenable(job.workflow_id)),
  );
  const ids = members.map(({ id }) => id);
  await assertNotStopping(transaction, ids);
  const continued = await findContinued(transaction, ids, whole);

  const workflowIds = [...workflows.keys()];
  const all = [...ids, ...further.map(({ id }) => id)];
  const opened = await openNodes(transaction, all, continued);
  const restored = await restoreSkipped(transaction, opened, continued);
  await recount(transaction, opened);
  await openRows(transaction, workflowIds, [...all, ...restored.map(({ id }) => id)]);
  scope.afterCommit(() => {
    for (const job of restored) parts.bus.publishTransition(transitionOf("blocked", job, "blocked"));
  });
  // As they are now: no longer cancelled.
  const joining: Joining = { parts, workflows: await lockWorkflows(transaction, workflowIds) };
  await advance(scope, joining, await releaseNodes(scope, joining, continued));
  tellChanged(scope, joining);
  return continued.length > 0;
}

/** Those whose workflow was purged before them are jobs like any other: nothing else would purge them. */
async function leaveAlone(transaction: Transaction, jobs: readonly LockedJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await sql`
    UPDATE job SET workflow_id = NULL WHERE id = ANY(${jobs.map(({ id }) => id)}::uuid[])`.execute(
    transaction,
  );
}

async function assertNotStopping(transaction: Transaction, ids: readonly string[]): Promise<void> {
  const found = await sql`
    ${nodesAbove(ids)} SELECT 1 FROM above
    JOIN workflow_node AS node ON node.workflow_id = above.workflow_id AND node.number = above.number
    WHERE node.state = 'running' AND (node.is_stopping OR (node.policy = 'stop' AND node.unsuccessful > 0 AND EXISTS (
      SELECT FROM workflow_node AS part WHERE part.workflow_id = node.workflow_id AND part.parent = node.number
        AND part.state = 'running' AND part.is_stopping)))
    LIMIT 1`.execute(transaction);
  if (found.rows.length > 0) throw workflowIsStopping();
}

/**
 * Chains that were stopped after one of their parts had succeeded, with the part whose turn it is. Of a whole workflow
 * also what was cancelled before its turn, where that has come since: the first of a chain, or a member of a group. It
 * is given what goes before the nearest chain around it.
 */
async function findContinued(
  transaction: Transaction,
  ids: readonly string[],
  whole: string | undefined,
): Promise<readonly Release[]> {
  const isWhole = whole !== undefined;
  const found = await sql<Release>`
    ${nodesAbove(ids)}, below AS (
      (SELECT workflow_id, number FROM above WHERE state IN ('failed', 'cancelled')
       UNION
       SELECT workflow_id, number FROM workflow_node
       WHERE workflow_id = ${whole ?? null}::uuid AND number = 1 AND state IN ('failed', 'cancelled'))
      UNION
      SELECT node.workflow_id, node.number FROM below
      JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.parent = below.number
      WHERE node.state = 'cancelled' OR (${isWhole} AND node.state = 'failed')
    )
    SELECT whole.workflow_id, whole.number, next.position, source.number AS source
    FROM below
    JOIN workflow_node AS whole ON whole.workflow_id = below.workflow_id AND whole.number = below.number
    JOIN LATERAL (
      (SELECT part.position, part.state FROM workflow_node AS part
       WHERE part.workflow_id = whole.workflow_id AND part.parent = whole.number AND part.state <> 'succeeded'
         AND whole.kind IN ('chain', 'chord')
       ORDER BY part.position LIMIT 1)
      UNION ALL
      SELECT part.position, part.state FROM workflow_node AS part
      WHERE part.workflow_id = whole.workflow_id AND part.parent = whole.number AND whole.kind IN ('group', 'map')
    ) AS next ON next.state = 'skipped' AND (${isWhole} OR (whole.kind IN ('chain', 'chord') AND next.position > 0))
    JOIN LATERAL (
      WITH RECURSIVE around AS (
        SELECT whole.number, whole.parent, whole.kind, whole.position, next.position AS part
        UNION ALL
        SELECT node.number, node.parent, node.kind, node.position, around.position AS part
        FROM around JOIN workflow_node AS node ON node.workflow_id = whole.workflow_id AND node.number = around.parent
        WHERE around.kind IN ('group', 'map') OR around.part = 0
      )
      SELECT last.number FROM around
      JOIN workflow_node AS last ON last.workflow_id = whole.workflow_id AND last.parent = around.number
        AND last.position = around.part - 1
      WHERE around.kind IN ('chain', 'chord')
    ) AS source ON true`.execute(transaction);
  return found.rows;
}

async function openNodes(
  transaction: Transaction,
  ids: readonly string[],
  places: readonly NodePlace[],
): Promise<readonly NodePlace[]> {
  const opened = await sql<NodePlace>`
    ${nodesAbove(ids, places)}, opened AS (
      UPDATE workflow_node AS node SET state = 'running', is_stopping = false, error_code = NULL, error_message = NULL
      FROM above WHERE node.workflow_id = above.workflow_id AND node.number = above.number
        AND node.state IN ('failed', 'cancelled')
    )
    SELECT workflow_id, number FROM above WHERE state IN ('failed', 'cancelled', 'running')`.execute(
    transaction,
  );
  return opened.rows;
}

/** What was skipped in chains that run again, or is released now. */
async function restoreSkipped(
  transaction: Transaction,
  opened: readonly NodePlace[],
  continued: readonly Release[],
): Promise<readonly TellingJob[]> {
  const restored = await sql<TellingJob>`
    WITH RECURSIVE below AS (
      SELECT node.workflow_id, node.number FROM unnest(
        ${opened.map((node) => node.workflow_id)}::uuid[], ${opened.map(({ number }) => number)}::integer[]
      ) AS given (workflow_id, number)
      JOIN workflow_node AS chain ON chain.workflow_id = given.workflow_id AND chain.number = given.number
      JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.parent = given.number
      WHERE chain.kind IN ('chain', 'chord') AND node.state = 'skipped'
      UNION
      SELECT node.workflow_id, node.number FROM unnest(
        ${continued.map((part) => part.workflow_id)}::uuid[], ${continued.map(({ number }) => number)}::integer[],
        ${continued.map(({ position }) => position)}::integer[]
      ) AS given (workflow_id, number, position)
      JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.parent = given.number
        AND node.position = given.position
      UNION
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

async function openRows(
  transaction: Transaction,
  workflowIds: readonly string[],
  jobIds: readonly string[],
): Promise<void> {
  await sql`
    UPDATE workflow SET ended_jobs = workflow.ended_jobs - sum.count, failed_jobs = workflow.failed_jobs - sum.count
    FROM (SELECT workflow_id, count(*) AS count FROM workflow_node WHERE job_id = ANY(${[...jobIds]}::uuid[])
          GROUP BY workflow_id) AS sum
    WHERE workflow.id = sum.workflow_id`.execute(transaction);
  await sql`
    UPDATE workflow SET state = 'running', finished_at = NULL, purge_at = NULL, cancel_requested_at = NULL,
           error_code = NULL, error_message = NULL
    WHERE id = ANY(${[...workflowIds]}::uuid[]) AND state IN ('failed', 'cancelled')
      AND EXISTS (SELECT FROM workflow_node AS root
                  WHERE root.workflow_id = workflow.id AND root.number = 1 AND root.state = 'running')`.execute(
    transaction,
  );
}

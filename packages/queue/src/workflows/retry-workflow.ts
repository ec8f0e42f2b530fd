import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import { requeueLocked } from "../jobs/retry.ts";
import type { RetryParts } from "../jobs/retry.ts";
import type { WriteScope } from "../write-scope.ts";
import { lockRetried } from "./lock-retried.ts";
import { reopenWorkflows } from "./reopen.ts";
import { workflowNotFound, workflowNotRetryable } from "./workflow-errors.ts";

/**
 * Tries all that did not succeed in a workflow again, in the caller's transaction: its failed and cancelled
 * jobs with their history, what waited for them after that. What has succeeded stays. Throws
 * `workflow_not_found`, or `workflow_not_retryable`.
 */
export async function retryWorkflow(scope: WriteScope, parts: RetryParts, id: string): Promise<void> {
  const { transaction } = scope;
  const retried = await lockRetried(transaction, {
    find: () => findRetryable(transaction, id),
    workflowId: id,
  });
  const workflow = retried.workflows.get(id);
  if (workflow === undefined) throw workflowNotFound(id);
  if (workflow.state !== "failed" && workflow.state !== "cancelled") {
    throw workflowNotRetryable(id, workflow.state);
  }
  const isContinued = await reopenWorkflows(scope, parts, retried, id);
  const jobs = [...retried.asked, ...retried.further];
  if (jobs.length === 0 && !isContinued) throw workflowNotRetryable(id, workflow.state);
  await requeueLocked(scope, parts, jobs);
}

/** Jobs that failed or were cancelled, where nothing above them has succeeded without them. */
async function findRetryable(transaction: Transaction, id: string): Promise<string[]> {
  const found = await sql<{ job_id: string }>`
    WITH RECURSIVE reached AS (
      SELECT number, job_id, state FROM workflow_node WHERE workflow_id = ${id} AND number = 1
      UNION ALL
      SELECT node.number, node.job_id, node.state FROM reached
      JOIN workflow_node AS node ON node.workflow_id = ${id} AND node.parent = reached.number
      WHERE reached.state IN ('failed', 'cancelled')
    )
    SELECT job_id FROM reached WHERE job_id IS NOT NULL AND state IN ('failed', 'cancelled') ORDER BY job_id`.execute(
    transaction,
  );
  return found.rows.map(({ job_id }) => job_id);
}

import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** Each has its jobs with it. */
const workflowBatch = 20;
/** Small enough that their rows are locked for milliseconds. */
const jobBatch = 1_000;

/**
 * Gives the jobs of workflows whose time has passed to those who delete jobs, and deletes the workflows none of
 * whose jobs is left without a time. What is locked is left for the next time, and a workflow one of whose members
 * was retried for when that has ended.
 */
export function pruneWorkflows(): {
  readonly statement: RawBuilder<{ count: number }>;
  readonly full: number;
} {
  const statement = sql<{ count: number }>`
    WITH due AS MATERIALIZED (
      SELECT id, purge_at FROM workflow WHERE purge_at < now() AND ended_jobs >= total_jobs
      ORDER BY purge_at LIMIT ${workflowBatch}
      FOR UPDATE SKIP LOCKED
    ), chosen AS MATERIALIZED (
      SELECT job.id, due.purge_at FROM due JOIN job ON job.workflow_id = due.id WHERE job.purge_at IS NULL
      LIMIT ${jobBatch} FOR UPDATE OF job SKIP LOCKED
    ), marked AS (
      UPDATE job SET purge_at = chosen.purge_at FROM chosen WHERE job.id = chosen.id RETURNING job.workflow_id
    ), gone AS (
      DELETE FROM workflow WHERE id = ANY(ARRAY(SELECT id FROM due))
        AND (SELECT count(*) FROM job WHERE job.workflow_id = workflow.id AND job.purge_at IS NULL)
          = (SELECT count(*) FROM marked WHERE marked.workflow_id = workflow.id)
      RETURNING id
    ), without_nodes AS (
      DELETE FROM workflow_node WHERE workflow_id = ANY(ARRAY(SELECT id FROM gone))
    )
    SELECT (SELECT count(*) FROM marked) + (SELECT count(*) FROM gone) AS count`;
  return { statement, full: workflowBatch };
}

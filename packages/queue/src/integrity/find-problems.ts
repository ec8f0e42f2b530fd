import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** Something that must never be, and is. */
export type IntegrityProblem = {
  readonly check: string;
  readonly count: number;
  /** Some of what it is about. */
  readonly examples: readonly string[];
};

const maxExamples = 5;

/** Rows `subject`: what is wrong. Each is one statement, which sees one moment. */
const checks: Readonly<Record<string, RawBuilder<unknown>>> = {
  "a job has ended without a time, or has a time and has not ended": sql`
    SELECT id::text AS subject FROM job
    WHERE (finished_at IS NOT NULL) <> (state IN ('succeeded', 'failed', 'cancelled', 'expired'))`,
  "a job runs without a worker or a lease, or has one and does not run": sql`
    SELECT id::text AS subject FROM job
    WHERE (state = 'running') <> (worker_id IS NOT NULL AND lease_until IS NOT NULL)`,
  "a job has no input": sql`
    SELECT id::text AS subject FROM job
    WHERE NOT EXISTS (SELECT FROM job_payload WHERE job_payload.job_id = job.id)`,
  "a job waits for an answer and asks nothing, or several things": sql`
    SELECT id::text AS subject FROM job WHERE state = 'waiting' AND (expires_at IS NULL OR (
      SELECT count(*) FROM job_wait WHERE job_wait.job_id = job.id AND answered_at IS NULL) <> 1)`,
  "an answered question has no answer": sql`
    SELECT job_id::text AS subject FROM job_wait AS wait WHERE answered_at IS NOT NULL AND NOT EXISTS (
      SELECT FROM job_step AS step WHERE step.job_id = wait.job_id AND step.key = wait.key AND step.state = 'done')`,
  "a job is blocked and waits for nothing": sql`
    SELECT job.id::text AS subject FROM job LEFT JOIN workflow_node AS node ON node.job_id = job.id
    LEFT JOIN workflow_node AS whole ON whole.workflow_id = node.workflow_id AND whole.number = node.parent
    WHERE job.state = 'blocked' AND (node.state IS DISTINCT FROM 'blocked'
      OR coalesce(whole.state, '') NOT IN ('blocked', 'running'))`,
  "a workflow runs and none of its jobs can": sql`
    SELECT id::text AS subject FROM workflow
    WHERE state = 'running' AND NOT EXISTS (
      SELECT FROM job WHERE job.workflow_id = workflow.id AND finished_at IS NULL AND job.state <> 'blocked')`,
  "the counts of a workflow differ from its jobs": sql`
    SELECT workflow.id::text AS subject FROM workflow WHERE (total_jobs, ended_jobs) <> (
      SELECT count(*), count(finished_at) FROM job WHERE job.workflow_id = workflow.id)
      AND (purge_at IS NULL OR purge_at > now())`,
  "the count of a queue differs from its jobs": sql`
    SELECT queue || ' ' || state || ': ' || coalesce(told.count, 0) || ' instead of ' || coalesce(truth.count, 0) AS subject
    FROM (SELECT queue, state, sum(count) AS count FROM (
            SELECT queue, state, count FROM job_count
            UNION ALL SELECT queue, state, change FROM job_count_change) AS parts
          GROUP BY queue, state) AS told
    FULL JOIN (SELECT queue, state, count(*) AS count FROM job GROUP BY queue, state) AS truth USING (queue, state)
    WHERE coalesce(told.count, 0) <> coalesce(truth.count, 0)`,
  ...Object.fromEntries(
    ["job_payload", "job_progress", "job_attempt", "job_step", "job_wait", "job_log"].map((table) => [
      `a row of ${table} belongs to no job`,
      sql`
        SELECT job_id::text AS subject FROM ${sql.table(table)} AS side
        WHERE NOT EXISTS (SELECT FROM job WHERE job.id = side.job_id)`,
    ]),
  ),
};

/** How many things `findQueueProblems` looks at. */
export const queueChecks = Object.keys(checks).length;

/**
 * Looks whether the queue's tables agree with each other, as they do at every commit. Reads all jobs: for now
 * and then. What it finds is a bug of ours, or somebody has changed rows by hand.
 */
export async function findQueueProblems(
  queryable: Queryable,
  signal?: AbortSignal,
): Promise<IntegrityProblem[]> {
  const problems: IntegrityProblem[] = [];
  for (const [check, wrong] of Object.entries(checks)) {
    signal?.throwIfAborted();
    const found = await sql<{ count: number; examples: string[] | null }>`
      WITH wrong AS (${wrong})
      SELECT count(*) AS count, (SELECT array_agg(subject) FROM (SELECT subject FROM wrong LIMIT ${maxExamples}) AS shown) AS examples
      FROM wrong`.execute(queryable);
    const { count = 0, examples = null } = found.rows[0] ?? {};
    if (count > 0) problems.push({ check, count, examples: examples ?? [] });
  }
  return problems;
}

import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { commit } from "../crash-point.ts";
import type { ClaimedJob } from "./job-row.ts";

export type ClaimRequest = {
  readonly queue: string;
  /** `name@version` of the tasks this worker runs; jobs of others stay queued. */
  readonly taskKeys: readonly string[];
  readonly limit: number;
  readonly worker: { readonly id: string; readonly name: string };
  readonly leaseMs: number;
  /** `best`: priority, fair share, due time. `oldest`: due time alone. */
  readonly choice: "best" | "oldest";
};

/**
 * Takes up to `limit` due jobs of one queue for this worker, in one statement. One queue at a time:
 * with a list of queues every queued row would be sorted. Two workers never get the same job, and
 * nobody gets one of a queue that is paused. SQL: `claim_jobs`, migration 5.
 */
export async function claimJobs(database: QueryAccess, request: ClaimRequest): Promise<ClaimedJob[]> {
  const { queue, taskKeys, limit, worker, leaseMs, choice } = request;
  const statement = sql<ClaimedJob>`
    SELECT * FROM claim_jobs(${queue}, ${[...taskKeys]}::text[], ${limit}, ${choice === "oldest"}, ${worker.id}::uuid,
      ${leaseMs}::double precision)`;
  const claimed = await commit("claim", () => statement.execute(database.queryable));
  return inOrder(claimed.rows);
}

/**
 * The end of a claiming statement: gives the locked jobs of a common table expression with their ids to
 * a worker, and selects them as `ClaimedJob`.
 */
export function takeJobs(
  chosen: RawBuilder<unknown>,
  request: Pick<ClaimRequest, "worker" | "leaseMs">,
): RawBuilder<unknown> {
  return sql`taken AS (
      UPDATE job SET state = 'running', fence = fence + 1, attempt = attempt + 1, worker_id = ${request.worker.id}::uuid,
             lease_until = now() + ${request.leaseMs}::double precision * interval '1 millisecond',
             claimed_at = now(), started_at = coalesce(started_at, now())
      FROM ${chosen} AS chosen WHERE job.id = chosen.id
      RETURNING job.id, queue, task, task_version, owner, stream, attempt, max_attempts, fence, runs_alone, priority,
                limit_key, (extract(epoch FROM now() - greatest(run_at, created_at)) * 1000)::double precision AS wait_ms
    )
    SELECT taken.*, job_payload.trace_parent, job_payload.input
    FROM taken JOIN job_payload ON job_payload.job_id = taken.id`;
}

/** As they are to be started: the order of what UPDATE returns is nobody's promise. */
export function inOrder(claimed: readonly ClaimedJob[]): ClaimedJob[] {
  return claimed.toSorted((left, right) => right.priority - left.priority || (left.id < right.id ? -1 : 1));
}

/** Whether the job that stands first in a queue is of a task that is not among these. */
export async function isFirstUnknown(
  database: QueryAccess,
  request: Pick<ClaimRequest, "queue" | "taskKeys">,
): Promise<boolean> {
  const found = await sql<{ is_unknown: boolean }>`
    SELECT task || '@' || task_version <> ALL(${[...request.taskKeys]}::text[]) AS is_unknown FROM job
    WHERE queue = ${request.queue} AND state = 'queued' ORDER BY priority DESC, fair, run_at, id LIMIT 1`.execute(
    database.queryable,
  );
  return found.rows[0]?.is_unknown ?? false;
}

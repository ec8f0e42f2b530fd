import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
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

const order = {
  best: sql`ORDER BY priority DESC, fair, run_at, id`,
  oldest: sql`ORDER BY run_at, id`,
} satisfies Record<ClaimRequest["choice"], RawBuilder<unknown>>;

/**
 * Takes up to `limit` due jobs of one queue for this worker, in one statement. One queue at a time:
 * with a list of queues every queued row would be sorted. Two workers never get the same job.
 */
export async function claimJobs(database: QueryAccess, request: ClaimRequest): Promise<ClaimedJob[]> {
  const claimed = await sql<ClaimedJob>`
    WITH next AS MATERIALIZED (
      SELECT id FROM job
      WHERE queue = ${request.queue} AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(${[...request.taskKeys]}::text[])
        AND (expires_at IS NULL OR expires_at > now())
      ${order[request.choice]} LIMIT ${request.limit} FOR UPDATE SKIP LOCKED
    ), taken AS (
      UPDATE job SET state = 'running', fence = fence + 1, attempt = attempt + 1, worker_id = ${request.worker.id}::uuid,
             lease_until = now() + ${request.leaseMs}::double precision * interval '1 millisecond',
             started_at = coalesce(started_at, now())
      FROM next WHERE job.id = next.id
      RETURNING job.id, queue, task, task_version, owner, stream, attempt, max_attempts, fence, runs_alone, priority
    ), tries AS (
      INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name)
      SELECT id, fence, attempt, ${request.worker.id}::uuid, ${request.worker.name} FROM taken
    )
    SELECT taken.*, job_payload.input FROM taken JOIN job_payload ON job_payload.job_id = taken.id`.execute(
    database.queryable,
  );
  return claimed.rows.toSorted(
    (left, right) => right.priority - left.priority || (left.id < right.id ? -1 : 1),
  );
}

/** Whether the job that stands first in a queue is of a task that is not among these. */
export async function isFirstUnknown(
  database: QueryAccess,
  request: Pick<ClaimRequest, "queue" | "taskKeys">,
): Promise<boolean> {
  const found = await sql<{ is_unknown: boolean }>`
    SELECT task || '@' || task_version <> ALL(${[...request.taskKeys]}::text[]) AS is_unknown FROM job
    WHERE queue = ${request.queue} AND state = 'queued' ${order.best} LIMIT 1`.execute(database.queryable);
  return found.rows[0]?.is_unknown ?? false;
}

import type { Database, Queryable } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import { claimWithLimits } from "../src/limits/claim-with-limits.ts";
import type { LimitedClaim } from "../src/limits/claim-with-limits.ts";
import type { LimitedClaimRequest } from "../src/limits/choose-jobs.ts";
import type { LimitsOf } from "../src/limits/limits.ts";

export type LimitedJobs = {
  /** Default 1. */
  readonly count?: number;
  /** Default `tests.limited`. */
  readonly task?: string;
  readonly queue?: string;
  readonly key?: string;
  readonly priority?: number;
  readonly owner?: string;
  /** Due this long ago. Default 0. */
  readonly ageSeconds?: number;
};

/** Writes queued jobs, each a turn of the fair share behind the one before. Returns their ids in that order. */
export async function enqueue(queryable: Queryable, jobs: LimitedJobs = {}): Promise<string[]> {
  const { count = 1, task = "tests.limited", queue = "tests", key = null, priority = 5 } = jobs;
  const ids = Array.from({ length: count }, newId);
  await sql`
    WITH fresh AS (
      INSERT INTO job (id, queue, task, limit_key, priority, owner, stream, state, fair, run_at, max_attempts, retries)
      SELECT id, ${queue}, ${task}, ${key}, ${priority}, ${jobs.owner ?? null}, 'job:' || id, 'queued', nth - 1,
             now() - ${jobs.ageSeconds ?? 0}::double precision * interval '1 second', 4, 3
      FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given (id, nth) RETURNING id
    )
    INSERT INTO job_payload (job_id, input) SELECT id, '{"script": "x"}' FROM fresh`.execute(queryable);
  return ids;
}

/** Claims as a worker does that looks at every line: all that is to be had in one transaction. */
export function claim(
  database: Database,
  limitsOf: LimitsOf,
  request: Partial<LimitedClaimRequest> = {},
): Promise<LimitedClaim> {
  const limit = request.limit ?? 10;
  return claimWithLimits(database, {
    queue: "tests",
    taskKeys: ["tests.limited@1", "tests.other@1"],
    limit,
    lookAhead: limit,
    worker: { id: newId(), name: "w" },
    leaseMs: 60_000,
    choice: "best",
    limitsOf,
    lines: { after: "" },
    ...request,
  });
}

export async function claimIds(...args: Parameters<typeof claim>): Promise<string[]> {
  return (await claim(...args)).jobs.map(({ id }) => id);
}

/** Ends jobs as far as limits are concerned. */
export async function end(queryable: Queryable, ids: readonly string[]): Promise<void> {
  await sql`
    UPDATE job SET state = 'succeeded', finished_at = now(), worker_id = NULL, lease_until = NULL
    WHERE id = ANY(${[...ids]}::uuid[])`.execute(queryable);
}

/** Lets time pass for the limits: their buckets were filled so much earlier. */
export async function pass(queryable: Queryable, seconds: number): Promise<void> {
  await sql`
    UPDATE limiter SET refilled_at = refilled_at - passed, full_at = full_at - passed
    FROM (SELECT ${seconds}::double precision * interval '1 second' AS passed) AS given`.execute(queryable);
}

export type ParkedRow = {
  readonly state: string;
  readonly reason: string | null;
  readonly parked_by: string | null;
};

export async function rowsOf(queryable: Queryable, ids: readonly string[]): Promise<ParkedRow[]> {
  const found = await sql<ParkedRow>`
    SELECT state, reason, parked_by FROM unnest(${[...ids]}::uuid[]) WITH ORDINALITY AS wanted (id, nth)
    JOIN job USING (id) ORDER BY nth`.execute(queryable);
  return found.rows;
}

export async function clear(queryable: Queryable): Promise<void> {
  for (const table of ["job", "job_payload", "limiter", "queue_control", "task_control", "schedule"]) {
    await sql`DELETE FROM ${sql.table(table)}`.execute(queryable);
  }
}

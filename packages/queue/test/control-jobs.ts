import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

export type WrittenJobs = {
  /** Default 1. */
  readonly count?: number;
  readonly queue?: string;
  readonly task?: string;
  readonly state?: "queued" | "scheduled" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
  /** When it ended, in hours before now. Default: now. */
  readonly endedHoursAgo?: number;
  /** When it may be purged, in hours before now; negative: to come. Default: in a week. */
  readonly purgeHoursAgo?: number;
};

/** Writes jobs as they are in a state, with their input and without a history. Returns the ids in their order. */
export async function writeJobs(queryable: Queryable, jobs: WrittenJobs = {}): Promise<string[]> {
  const { count = 1, queue = "tests", task = "tests.run_script", state = "queued" } = jobs;
  const written = await sql<{ id: string }>`
    WITH given AS (
      SELECT gen_random_uuid() AS id, number FROM generate_series(1, ${count}::integer) AS number
    ), fresh AS (
      INSERT INTO job (id, queue, task, stream, state, reason, max_attempts, retries, fence, worker_id, lease_until,
                       claimed_at, finished_at, purge_at)
      SELECT id, ${queue}, ${task}, 'job:' || id, ${state}, CASE WHEN ${state} = 'scheduled' THEN 'delay' END, 4, 3,
             CASE WHEN ${state} = 'running' THEN 1 ELSE 0 END,
             CASE WHEN ${state} = 'running' THEN id END,
             CASE WHEN ${state} = 'running' THEN now() + interval '1 hour' END,
             CASE WHEN ${state} = 'running' THEN now() END,
             CASE WHEN ${isEnded(state)} THEN now() - ${jobs.endedHoursAgo ?? 0}::double precision * interval '1 hour' END,
             CASE WHEN ${isEnded(state)} THEN now() - ${jobs.purgeHoursAgo ?? -168}::double precision * interval '1 hour' END
      FROM given ORDER BY number RETURNING id
    ), payload AS (
      INSERT INTO job_payload (job_id, input) SELECT id, '{"script": "x"}' FROM fresh
    )
    SELECT id FROM fresh ORDER BY id`.execute(queryable);
  return written.rows.map((row) => row.id);
}

function isEnded(state: string): boolean {
  return ["succeeded", "failed", "cancelled"].includes(state);
}

export async function statesOf(queryable: Queryable, ids: readonly string[]): Promise<string[]> {
  const found = await sql<{ state: string }>`
    SELECT state FROM unnest(${[...ids]}::uuid[]) WITH ORDINALITY AS wanted (id, nth) JOIN job USING (id)
    ORDER BY nth`.execute(queryable);
  return found.rows.map((row) => row.state);
}

export async function clearJobs(queryable: Queryable): Promise<void> {
  for (const table of ["job", "job_payload", "job_attempt", "event", "queue_control", "worker", "schedule"]) {
    await sql`DELETE FROM ${sql.table(table)}`.execute(queryable);
  }
}

import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";

/** A job whose handler returned, with what there is to write. */
export type SucceededJob = {
  readonly id: string;
  readonly fence: number;
  /** JSON text. */
  readonly output: string;
  readonly keptDays: number;
};

export type RecordedSuccess = {
  readonly id: string;
  readonly seq: number;
  readonly at: Date;
  readonly run_ms: number;
};

/**
 * Ends many jobs that succeeded, with one statement: state, result, the record of the attempt and the
 * last event of their own streams. For jobs whose end writes nothing else: no hook, no progress, no
 * shared stream. Those that are not in the answer were left as they are, because this claim does not
 * hold them any more or their cancel was asked for.
 */
export async function succeedJobs(
  database: QueryAccess,
  workerName: string,
  jobs: readonly SucceededJob[],
): Promise<RecordedSuccess[]> {
  // In the order of their ids, as everybody locks who locks several.
  const sorted = jobs.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const statement = sql<RecordedSuccess>`
    WITH given AS MATERIALIZED (
      SELECT * FROM unnest(${sorted.map(({ id }) => id)}::uuid[], ${sorted.map(({ fence }) => fence)}::bigint[],
                           ${sorted.map(({ output }) => output)}::text[],
                           ${sorted.map(({ keptDays }) => keptDays)}::double precision[])
        AS given (id, fence, output, kept_days)
    ), held AS MATERIALIZED (
      SELECT job.id, job.worker_id, given.output, given.kept_days FROM job JOIN given USING (id)
      WHERE job.fence = given.fence AND job.state = 'running' AND job.cancel_requested_at IS NULL
      FOR UPDATE OF job
    ), ended AS (
      UPDATE job SET state = 'succeeded', finished_at = now(), purge_at = now() + kept_days * interval '1 day',
             worker_id = NULL, lease_until = NULL, event_seq = event_seq + 1
      FROM held WHERE job.id = held.id
      RETURNING job.id, job.fence, attempt, held.worker_id, claimed_at, event_seq, output
    ), results AS (
      INSERT INTO job_result (job_id, output) SELECT id, output::jsonb FROM ended
      ON CONFLICT (job_id) DO UPDATE SET output = excluded.output, error_code = NULL, error_message = NULL
    ), attempts AS (
      INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome)
      SELECT id, fence, attempt, worker_id, ${workerName}, claimed_at, now(), 'succeeded' FROM ended
    ), told AS (
      INSERT INTO event (stream, seq, type, data, at)
      SELECT 'job:' || id, event_seq, 'job.succeeded', jsonb_build_object('job_id', id), now() FROM ended
    )
    SELECT id, event_seq AS seq, now() AS at,
           (extract(epoch FROM now() - claimed_at) * 1000)::double precision AS run_ms FROM ended`;
  const ended = await commit("succeed", () => statement.execute(database.queryable));
  return ended.rows;
}

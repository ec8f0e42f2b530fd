/** What a beat says of a job. A job that is not in the answer is no longer held. */
export type BeatRow = {
  readonly id: string;
  readonly is_cancel_requested: boolean;
  /** False while another transaction has the row locked: held, but its lease goes on running out. */
  readonly is_extended: boolean;
};

/**
 * Extends the leases of jobs: $1 their ids, $2 their fences in the same order, $3 the lease in
 * milliseconds. Locks the job rows that are free, in the order of their ids like everybody who locks
 * several, and waits for none: one long transaction of one job must not cost the others their lease.
 * Needs the primary key of job. A text and no query of Kysely's: the heartbeat thread has only the driver.
 */
export const beatStatement = `
  WITH mine AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS mine (id, fence)
  ), free AS MATERIALIZED (
    SELECT job.id FROM job
    JOIN mine ON job.id = mine.id AND job.fence = mine.fence AND job.state = 'running'
    ORDER BY job.id FOR UPDATE OF job SKIP LOCKED
  ), beaten AS (
    UPDATE job SET lease_until = now() + $3::double precision * interval '1 millisecond'
    FROM free WHERE job.id = free.id RETURNING job.id
  )
  SELECT job.id, job.cancel_requested_at IS NOT NULL AS is_cancel_requested, beaten.id IS NOT NULL AS is_extended
  FROM job JOIN mine ON job.id = mine.id AND job.fence = mine.fence AND job.state = 'running'
  LEFT JOIN beaten ON beaten.id = job.id`;

/** What a beat says of a job. A job that is not in the answer is no longer held. */
export type BeatRow = {
  readonly id: string;
  readonly is_cancel_requested: boolean;
  /** False while another transaction has the row locked: held, but its lease goes on running out. */
  readonly is_extended: boolean;
};

/**
 * Extends the leases of jobs: $1 their ids, $2 their fences in the same order, $3 the lease in milliseconds. SQL:
 * `beat_jobs`, migration 33. A text and no query of Kysely's: the heartbeat thread has only the driver.
 */
export const beatStatement = `
  SELECT id, is_cancel_requested, is_extended FROM beat_jobs($1::uuid[], $2::bigint[], $3::double precision)`;

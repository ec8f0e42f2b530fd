/*
 * What the test does to the database between the queue's own statements, and what it reads: as functions,
 * because their plans are kept. Planned each time they would take longer than all that is tested.
 */

const tables = [
  "job",
  "job_payload",
  "job_progress",
  "job_attempt",
  "job_step",
  "job_wait",
  "job_log",
  "event",
  "event_stream",
  "job_count_change",
  "job_count",
  "queue_control",
  "task_control",
  "limiter",
  "owner_weight",
  "retention_mark",
  "worker",
];

/** Deletes: with a few rows in each, they take a tenth of what TRUNCATE takes. */
export const emptyFunction = `
  CREATE FUNCTION model_empty() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    ${tables.map((table) => `DELETE FROM ${table};`).join(" ")}
  END $$`;

const moments = {
  job: [
    "run_at",
    "expires_at",
    "lease_until",
    "cancel_requested_at",
    "created_at",
    "claimed_at",
    "started_at",
    "finished_at",
    "purge_at",
  ],
  job_attempt: ["started_at", "finished_at"],
  job_wait: ["asked_at", "answered_at"],
  event: ["at"],
  event_stream: ["ended_at"],
  queue_control: ["paused_at", "resume_at"],
  retention_mark: ["until"],
  limiter: ["refilled_at", "full_at"],
};

const shifts = Object.entries(moments).map(([table, columns]) => {
  const changes = columns.map((column) => `${column} = ${column} - shift`);
  return `UPDATE ${table} SET ${changes.join(", ")};`;
});

export const passFunction = `
  CREATE FUNCTION model_pass(ms double precision) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    shift interval := ms * interval '1 millisecond';
  BEGIN
    ${shifts.join(" ")}
  END $$`;

const inMs = (column: string) => `(extract(epoch FROM ${column} - now()) * 1000)::double precision`;

/** In the form of `Snapshot`. */
export const snapshotFunction = `
  CREATE FUNCTION model_snapshot() RETURNS json LANGUAGE plpgsql AS $$
  BEGIN
    RETURN json_build_object(
      'jobs', (SELECT coalesce(json_agg(seen ORDER BY seen.id), '[]') FROM (
        SELECT job.id, task, queue, job.owner, state, reason, parked_by, priority, fair, job.attempt, max_attempts, crash_count,
          runs_alone, job.fence, event_seq, cancel_requested_at IS NOT NULL AS is_cancel_requested,
          (SELECT key FROM job_wait WHERE job_wait.job_id = job.id AND answered_at IS NULL) AS asks,
          (SELECT coalesce(json_object_agg(key, job_step.output), '{}') FROM job_wait JOIN job_step USING (job_id, key)
            WHERE job_id = job.id AND answered_at IS NOT NULL) AS answers,
          job.worker_id IS NOT NULL AS has_worker, job_payload.input,
          CASE WHEN job.output IS NOT NULL OR job.error_code IS NOT NULL OR state IN ('cancelled', 'expired')
            THEN json_build_object('output', job.output, 'error', job.error_code) END AS result,
          ${inMs("run_at")} AS run_in, ${inMs("expires_at")} AS expires_in, ${inMs("lease_until")} AS lease_in,
          ${inMs("job.finished_at")} AS finished_in, ${inMs("purge_at")} AS purge_in
        FROM job LEFT JOIN job_payload ON job_payload.job_id = job.id) AS seen),
      'attempts', (SELECT coalesce(json_agg(seen ORDER BY job_id, fence), '[]') FROM (
        SELECT job_id, fence, attempt, outcome, error_code AS error, finished_at IS NOT NULL AS is_closed
        FROM ended_attempt) AS seen),
      'streams', (SELECT coalesce(json_agg(seen ORDER BY stream), '[]') FROM (
        SELECT stream, last_seq, ${inMs("ended_at")} AS ended_in FROM event_stream) AS seen),
      'events', (SELECT coalesce(json_agg(seen ORDER BY stream, seq), '[]') FROM (
        SELECT stream, seq, type FROM any_event) AS seen),
      'orphans', (SELECT count(*) FROM (
        SELECT job_id FROM job_payload UNION ALL SELECT job_id FROM job_attempt
        UNION ALL SELECT job_id FROM job_progress UNION ALL SELECT job_id FROM job_wait
        UNION ALL SELECT job_id FROM job_step) AS side WHERE job_id NOT IN (SELECT id FROM job)),
      'counted', (SELECT coalesce(json_object_agg(name, count), '{}') FROM (
        SELECT queue || ' ' || state AS name, sum(count) AS count FROM (
          SELECT queue, state, count FROM job_count UNION ALL SELECT queue, state, change FROM job_count_change
        ) AS parts GROUP BY queue, state HAVING sum(count) <> 0) AS sums)
    );
  END $$`;

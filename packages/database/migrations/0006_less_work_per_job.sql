-- breaking: a worker of an older version would write results to a table that is gone
-- Less work for each job: one row less at its end.
-- Locks: job and job_attempt as a whole, while the results are copied; stop older workers first.

-- 1. What a job returned is kept with the attempt that returned it; what it finally failed with, in its row.

ALTER TABLE job
  -- What it finally failed with. Written once, at its end; a retry clears them.
  ADD COLUMN error_code text,
  ADD COLUMN error_message text;
-- Of a success. The job's own is that of the attempt with the fence of the job.
ALTER TABLE job_attempt ADD COLUMN output jsonb;

UPDATE job SET error_code = job_result.error_code, error_message = job_result.error_message FROM job_result
  WHERE job_result.job_id = job.id AND job_result.error_code IS NOT NULL AND job.finished_at IS NOT NULL;
-- Every success has the record of its attempt. Should one lack it, its output is not to be lost.
INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome, output)
  SELECT job.id, job.fence, job.attempt, '00000000-0000-0000-0000-000000000000', 'unknown',
         coalesce(job.claimed_at, job.started_at, job.created_at), job.finished_at, 'succeeded', job_result.output
  FROM job JOIN job_result ON job_result.job_id = job.id WHERE job.state = 'succeeded'
  ON CONFLICT (job_id, fence) DO UPDATE SET output = excluded.output;
DROP TABLE job_result;

-- As before, with the output in the record of the attempt.
CREATE OR REPLACE FUNCTION succeed_jobs(ids uuid[], fences bigint[], outputs text[], kept_days double precision[],
  id_of_worker uuid, name_of_worker text)
RETURNS TABLE (id uuid, seq bigint, at_ms double precision, run_ms double precision)
LANGUAGE plpgsql ROWS 100 SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH ended AS (
    UPDATE job SET state = 'succeeded', finished_at = now(), purge_at = now() + days * interval '1 day',
      lease_until = NULL, worker_id = NULL, event_seq = job.event_seq + 1
    FROM unnest(ids, fences, outputs, kept_days) AS given (id, fence, output, days)
    WHERE job.id = given.id AND job.fence = given.fence AND job.state = 'running' AND job.cancel_requested_at IS NULL
    RETURNING job.id, job.fence, job.attempt, job.claimed_at, job.event_seq, output
  ), attempts AS (
    INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome, output)
    SELECT id, fence, attempt, id_of_worker, name_of_worker, claimed_at, now(), 'succeeded', output::jsonb FROM ended
  ), told AS (
    INSERT INTO event (stream, seq, type, data, at)
    SELECT 'job:' || id, event_seq, 'job.succeeded', jsonb_build_object('job_id', id), now() FROM ended
  )
  SELECT ended.id, ended.event_seq, (extract(epoch FROM now()) * 1000)::double precision,
    (extract(epoch FROM now() - ended.claimed_at) * 1000)::double precision FROM ended;
END $$;

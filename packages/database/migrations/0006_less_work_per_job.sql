-- breaking: a worker of an older version would write results to a table that is gone
-- Less work for each job: one row less at its end, and cheaper claims and ends.
-- Locks: job, job_payload, job_attempt, event and event_stream as a whole, while results are copied and indexes
-- built; stop older workers first.

-- 1. What a job returned, or finally failed with, is kept in its row: a row of its own would be one more
-- for each job. So is the record of the attempt that succeeded, which says nothing else; those of the others
-- are rows of job_attempt, as are all that ended before.

ALTER TABLE job
  -- Written once, at its end; a retry clears the error.
  ADD COLUMN output jsonb,
  ADD COLUMN error_code text,
  ADD COLUMN error_message text,
  -- The worker whose attempt succeeded.
  ADD COLUMN succeeded_by uuid,
  ADD COLUMN succeeded_by_name text;

UPDATE job SET output = job_result.output, error_code = job_result.error_code, error_message = job_result.error_message
  FROM job_result WHERE job_result.job_id = job.id AND job.finished_at IS NOT NULL;
DROP TABLE job_result;

-- All attempts that have ended.
CREATE VIEW ended_attempt AS
  SELECT job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome, error_code, error_message
  FROM job_attempt
  UNION ALL
  SELECT id, fence, attempt, succeeded_by, succeeded_by_name, coalesce(claimed_at, started_at, created_at), finished_at,
         'succeeded', NULL, NULL
  FROM job WHERE succeeded_by IS NOT NULL;

-- 2. The statements that every job goes through (docs/decisions/0007), with less work inside. Their plans
-- are made once for all arguments: a queue that holds a million rows looks so expensive to a plan for any
-- number of jobs that PostgreSQL would plan each claim anew, or compile it.

DROP FUNCTION claim_jobs;

-- The plain claim: due jobs of one queue that the worker can run. So many of them the oldest, so that nothing
-- starves, the others the best that are not among those.
-- First it locks them, in the order in which they are to be started; then it takes them by their place in
-- the table, without looking for them again. A locked row stays where it is, and the place is that of the
-- row as it was locked and as the conditions were true of it, also when somebody had just changed it.
-- The gate comes first: what follows must see what was committed until it was entered.
CREATE FUNCTION claim_jobs(wanted_queue text, task_keys text[], wanted integer, wanted_oldest integer,
  new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, queue text, task text, task_version integer, owner text, stream text, attempt integer,
  max_attempts integer, fence bigint, runs_alone boolean, priority smallint, limit_key text,
  wait_ms double precision, trace_parent text, input jsonb)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_incremental_sort = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  places tid[] := '{}';
BEGIN
  IF NOT queue_is_open(wanted_queue) THEN RETURN; END IF;
  IF wanted_oldest > 0 THEN
    places := ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY run_at, id LIMIT wanted_oldest FOR UPDATE SKIP LOCKED);
  END IF;
  IF wanted_oldest < wanted THEN
    places := places || ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
        AND ctid <> ALL(places)
      ORDER BY priority DESC, fair, run_at, id LIMIT wanted - wanted_oldest FOR UPDATE SKIP LOCKED);
  END IF;
  IF cardinality(places) = 0 THEN RETURN; END IF;
  RETURN QUERY WITH taken AS (
    UPDATE job SET state = 'running', fence = job.fence + 1, attempt = job.attempt + 1, worker_id = new_worker_id,
      lease_until = now() + lease_ms * interval '1 millisecond', claimed_at = now(),
      started_at = coalesce(job.started_at, now())
    WHERE job.ctid = ANY(places)
    RETURNING job.id, job.queue, job.task, job.task_version, job.owner, job.stream, job.attempt, job.max_attempts,
      job.fence, job.runs_alone, job.priority, job.limit_key,
      (extract(epoch FROM now() - greatest(job.run_at, job.created_at)) * 1000)::double precision AS wait_ms
  )
  SELECT taken.*, job_payload.trace_parent, job_payload.input
  FROM taken JOIN job_payload ON job_payload.job_id = taken.id;
END $$;

-- What claims under limits still use, and what says where jobs stand: it was compiled for 200 ms with each
-- look for jobs that are due.
ALTER FUNCTION next_jobs SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION next_jobs SET jit = off;
ALTER FUNCTION take_jobs SET jit = off;
ALTER FUNCTION next_places SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION next_places SET jit = off;

-- 3. Indexes.

-- What runs, as before, but told by the worker. Statements that find a job by its id also ask whether its
-- state is 'running': with that as the condition of the index, and statistics of a time when nothing ran,
-- they would read all of it, with an entry for each job that ran since the last vacuum.
DROP INDEX job_running;
CREATE INDEX job_running ON job (task, limit_key, queue, id) WHERE worker_id IS NOT NULL;

-- Names and keys that nobody reads in the order of a language. In a database that sorts so, as most do,
-- each comparison of two of them takes longer than all else on a level of an index.
ALTER TABLE event ALTER COLUMN stream TYPE text COLLATE "C";
ALTER TABLE event_stream ALTER COLUMN stream TYPE text COLLATE "C";
ALTER TABLE job_payload ALTER COLUMN owner TYPE text COLLATE "C";
ALTER TABLE job
  ALTER COLUMN owner TYPE text COLLATE "C",
  ALTER COLUMN unique_key TYPE text COLLATE "C",
  ALTER COLUMN idempotency_key TYPE text COLLATE "C";

-- breaking: a worker of an older version would write results to a table that is gone
-- Less work for each job: one row less at its end, and cheaper claims and ends.
-- Locks: job, job_payload, job_attempt, event and event_stream as a whole, while results are copied and indexes
-- built; stop older workers first.

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

-- 2. The statements that every job goes through (docs/decisions/0007), with less work inside. Their plans
-- are made once for all arguments: a queue that holds a million rows looks so expensive to a plan for any
-- number of jobs that PostgreSQL would plan each claim anew, or compile it.

-- The plain claim: the best, or the oldest, due jobs of one queue that the worker can run.
-- First it locks them, in the order in which they are to be started; then it takes them by their place in
-- the table, without looking for them again. A locked row stays where it is, and the place is that of the
-- row as it was locked and as the conditions were true of it, also when somebody had just changed it.
-- The gate comes first: what follows must see what was committed until it was entered.
CREATE OR REPLACE FUNCTION claim_jobs(wanted_queue text, task_keys text[], wanted integer, is_oldest boolean,
  new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, queue text, task text, task_version integer, owner text, stream text, attempt integer,
  max_attempts integer, fence bigint, runs_alone boolean, priority smallint, limit_key text,
  wait_ms double precision, trace_parent text, input jsonb)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_incremental_sort = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  places tid[];
BEGIN
  IF NOT queue_is_open(wanted_queue) THEN RETURN; END IF;
  IF is_oldest THEN
    places := ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY run_at, id LIMIT wanted FOR UPDATE SKIP LOCKED);
  ELSE
    places := ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY priority DESC, fair, run_at, id LIMIT wanted FOR UPDATE SKIP LOCKED);
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

-- What claims under limits still use.
ALTER FUNCTION next_jobs SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION next_jobs SET jit = off;

-- Ends jobs that succeeded, where nothing else is to be written with their end: state, the record of the
-- attempt with its output, the last event of their own streams. Leaves those that this claim does not hold
-- any more, or whose cancel was asked for. The ids come in order: everybody locks so who locks several.
-- So they are found by job_pkey, in its order and whatever the statistics say: the settings leave nothing
-- else. The outputs, which may be large, stay out of the join.
CREATE OR REPLACE FUNCTION succeed_jobs(ids uuid[], fences bigint[], outputs text[], kept_days double precision[],
  id_of_worker uuid, name_of_worker text)
RETURNS TABLE (id uuid, seq bigint, at_ms double precision, run_ms double precision)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH ended AS (
    UPDATE job SET state = 'succeeded', finished_at = now(), purge_at = now() + days * interval '1 day',
      lease_until = NULL, worker_id = NULL, event_seq = job.event_seq + 1
    FROM unnest(ids, fences, kept_days) WITH ORDINALITY AS given (id, fence, days, nth)
    WHERE job.id = ANY(ids) AND job.id = given.id AND job.fence = given.fence AND job.state = 'running'
      AND job.cancel_requested_at IS NULL
    RETURNING job.id, job.fence, job.attempt, job.claimed_at, job.event_seq, nth
  ), attempts AS (
    INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome, output)
    SELECT id, fence, attempt, id_of_worker, name_of_worker, claimed_at, now(), 'succeeded', outputs[nth]::jsonb FROM ended
  ), told AS (
    INSERT INTO event (stream, seq, type, data, at)
    SELECT 'job:' || id, event_seq, 'job.succeeded', jsonb_build_object('job_id', id), now() FROM ended
  )
  SELECT ended.id, ended.event_seq, (extract(epoch FROM now()) * 1000)::double precision,
    (extract(epoch FROM now() - ended.claimed_at) * 1000)::double precision FROM ended;
END $$;

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

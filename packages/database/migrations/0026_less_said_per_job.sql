-- What the database says to a worker of each job, cut to what the worker does not know: the statements of migrations
-- 6 to 8 otherwise as they are. Those stay for workers of the version before.
-- Locks: none.

-- As claim_jobs. A column is null where it is as usual: version 1, the first attempt and claim, priority 5, the job's own
-- stream, not alone. The queue is the one that was asked for.
CREATE FUNCTION claim_jobs_briefly(wanted_queue text, task_keys text[], wanted integer, wanted_oldest integer,
  new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, task text, task_version integer, owner text, stream text, attempt integer, max_attempts integer,
  fence bigint, runs_alone boolean, priority smallint, limit_key text, workflow_id uuid, wait_ms double precision,
  trace_parent text, input jsonb)
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
    RETURNING job.id, job.task, nullif(job.task_version, 1) AS task_version, job.owner,
      CASE WHEN job.stream <> 'job:' || job.id THEN job.stream END AS stream, nullif(job.attempt, 1) AS attempt,
      job.max_attempts, nullif(job.fence, 1) AS fence, nullif(job.runs_alone, false) AS runs_alone,
      nullif(job.priority, 5::smallint) AS priority, job.limit_key, job.workflow_id,
      -- Unlike extract, which calculates with numerics.
      date_part('epoch', now() - greatest(job.run_at, job.created_at)) * 1000 AS wait_ms
  )
  SELECT taken.*, job_payload.trace_parent, job_payload.input
  FROM taken JOIN job_payload ON job_payload.job_id = taken.id;
END $$;

-- As succeed_jobs. Says of those that ended, in one row for all: their places among the given ones, from 1, and in the
-- same order the number of the last event and the milliseconds since the claim of each.
CREATE FUNCTION succeed_jobs_briefly(ids uuid[], fences bigint[], outputs text[], kept_days double precision[],
  id_of_worker uuid, name_of_worker text)
RETURNS TABLE (at_ms double precision, places text, seqs text, run_ms text)
LANGUAGE plpgsql ROWS 1
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH ended AS (
    UPDATE job SET state = 'succeeded', finished_at = now(), purge_at = now() + days * interval '1 day',
      lease_until = NULL, worker_id = NULL, event_seq = job.event_seq + 1, output = outputs[nth]::jsonb,
      succeeded_by = id_of_worker, succeeded_by_name = name_of_worker
    FROM unnest(ids, fences, kept_days) WITH ORDINALITY AS given (id, fence, days, nth)
    WHERE job.id = ANY(ids) AND job.id = given.id AND job.fence = given.fence AND job.lease_until IS NOT NULL
      AND job.cancel_requested_at IS NULL
    RETURNING nth, job.event_seq, date_part('epoch', now() - job.claimed_at) * 1000 AS run_ms
  )
  SELECT date_part('epoch', now()) * 1000, coalesce(string_agg(nth::text, ','), ''),
    coalesce(string_agg(event_seq::text, ','), ''), coalesce(string_agg(ended.run_ms::text, ','), '') FROM ended;
END $$;

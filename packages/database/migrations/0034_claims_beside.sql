-- A worker may send its next claim before the last one has answered, so that the database does not wait for it. Both
-- begin at the same place: the second passes what the first has locked without asking for each of those locks.
-- Locks: none.

-- As claim_jobs_briefly. `from_place` is what one row of an earlier claim of this queue has as `place`: jobs behind it are
-- taken, unless more urgent ones are there, and from the head of the queue what is missing then. Null: from the head.
-- With `beside`: where the first behind it is locked, that claim is under way, and the jobs are taken behind as many as that.
CREATE OR REPLACE FUNCTION claim_jobs_onward(wanted_queue text, task_keys text[], wanted integer, wanted_oldest integer,
  new_worker_id uuid, lease_ms double precision, from_place jsonb)
RETURNS TABLE (id uuid, task text, task_version integer, owner text, stream text, attempt integer, max_attempts integer,
  fence bigint, runs_alone boolean, priority smallint, limit_key text, workflow_id uuid, wait_ms double precision,
  trace_parent text, input jsonb, place jsonb)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_incremental_sort = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  from_oldest_at timestamptz := from_place #>> '{oldest,run_at}';
  from_oldest_id uuid := from_place #>> '{oldest,id}';
  from_priority smallint := from_place #>> '{best,priority}';
  from_fair double precision := from_place #>> '{best,fair}';
  from_run_at timestamptz := from_place #>> '{best,run_at}';
  from_id uuid := from_place #>> '{best,id}';
  beside_fair double precision;
  beside_run_at timestamptz;
  beside_id uuid;
  places tid[] := '{}';
  last_id uuid;
  last_oldest jsonb := from_place -> 'oldest';
  last_best jsonb := from_place -> 'best';
BEGIN
  IF NOT queue_is_open(wanted_queue) THEN RETURN; END IF;
  IF from_oldest_id IS NOT NULL AND wanted_oldest > 0 THEN
    places := ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND (run_at, id) > (from_oldest_at, from_oldest_id)
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY run_at, id LIMIT wanted_oldest FOR UPDATE SKIP LOCKED);
  END IF;
  IF cardinality(places) < wanted_oldest THEN
    places := places || ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
        AND ctid <> ALL(places)
      ORDER BY run_at, id LIMIT wanted_oldest - cardinality(places) FOR UPDATE SKIP LOCKED);
  END IF;
  IF cardinality(places) > 0 THEN
    SELECT id, jsonb_build_object('run_at', run_at, 'id', id) INTO last_id, last_oldest
    FROM job WHERE ctid = places[cardinality(places)];
  END IF;
  -- The first by job_claim: without an order another index may be read to its end.
  IF from_id IS NOT NULL AND cardinality(places) < wanted AND (SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now() AND priority > from_priority
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
        AND ctid <> ALL(places)
      ORDER BY priority DESC, fair, run_at, id LIMIT 1) IS NULL THEN
    IF from_place ? 'beside' AND (SELECT xmax::text <> '0' FROM job
        WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
          AND priority = from_priority AND (fair, run_at, id) > (from_fair, from_run_at, from_id)
        ORDER BY fair, run_at, id LIMIT 1) THEN
      SELECT fair, run_at, id INTO beside_fair, beside_run_at, beside_id FROM job
        WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
          AND priority = from_priority AND (fair, run_at, id) > (from_fair, from_run_at, from_id)
        ORDER BY fair, run_at, id LIMIT 1 OFFSET greatest((from_place ->> 'beside')::integer - 1, 0);
      IF FOUND THEN
        from_fair := beside_fair;
        from_run_at := beside_run_at;
        from_id := beside_id;
      END IF;
    END IF;
    places := places || ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND priority = from_priority AND (fair, run_at, id) > (from_fair, from_run_at, from_id)
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
        AND ctid <> ALL(places)
      ORDER BY fair, run_at, id LIMIT wanted - cardinality(places) FOR UPDATE SKIP LOCKED);
  END IF;
  IF cardinality(places) < wanted THEN
    places := places || ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
        AND ctid <> ALL(places)
      ORDER BY priority DESC, fair, run_at, id LIMIT wanted - cardinality(places) FOR UPDATE SKIP LOCKED);
  END IF;
  IF cardinality(places) = 0 THEN RETURN; END IF;
  IF cardinality(places) > wanted_oldest THEN
    SELECT id, jsonb_build_object('priority', priority, 'fair', fair, 'run_at', run_at, 'id', id)
    INTO last_id, last_best FROM job WHERE ctid = places[cardinality(places)];
  END IF;
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
  SELECT taken.*, job_payload.trace_parent, job_payload.input,
    CASE WHEN taken.id = last_id THEN jsonb_build_object('oldest', last_oldest, 'best', last_best) END
  FROM taken JOIN job_payload ON job_payload.job_id = taken.id;
END $$;

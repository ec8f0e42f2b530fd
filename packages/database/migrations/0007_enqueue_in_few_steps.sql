-- breaking: a process of an older version would call a function that is gone, and miss events
-- Less work for each job: fewer steps when it is written, and no event row for what its own row tells.
-- Locks: none that matter.

-- 1. The first event of a job's own stream, and the last one of a success, say nothing that the job's row
-- does not say: they are numbered like all others and told to those who watch, but not stored. What was
-- stored before stays, and goes before.

CREATE VIEW unstored_event AS
  SELECT job.id AS job_id, told.seq, told.type, told.data, told.at
  FROM job CROSS JOIN LATERAL (
    -- Not when the events after it were pruned: what comes then is not the beginning.
    SELECT 1::bigint AS seq, 'job.queued' AS type,
      jsonb_build_object('job_id', job.id, 'message', 'Waiting for a worker') AS data, job.created_at AS at
    WHERE job.event_seq = 1 OR (job.event_seq = 2 AND job.state = 'succeeded')
      OR EXISTS (SELECT FROM event WHERE event.stream = 'job:' || job.id AND event.seq = 2)
    UNION ALL
    SELECT job.event_seq, 'job.succeeded', jsonb_build_object('job_id', job.id), job.finished_at
    WHERE job.event_seq > 1 AND job.state = 'succeeded'
  ) AS told
  WHERE job.event_seq > 0 AND job.stream = 'job:' || job.id
    AND (job.finished_at IS NULL
      OR job.finished_at > coalesce((SELECT until FROM retention_mark WHERE chore = 'own_events'), '-infinity'))
    AND NOT EXISTS (SELECT FROM event WHERE event.stream = 'job:' || job.id AND event.seq = told.seq);

-- All events, for who looks at them with SQL. Of one job: better by unstored_event.job_id.
CREATE VIEW any_event AS
  SELECT stream, seq, type, data, at FROM event
  UNION ALL SELECT 'job:' || job_id, seq, type, data, at FROM unstored_event;

-- Ends jobs that succeeded, where nothing else is to be written with their end: state, output, and the record
-- of the attempt, all in their rows. Leaves those that this claim does not hold any more, or whose cancel was
-- asked for. The ids come in order: everybody locks so who locks several.
-- So they are found by job_pkey, in its order and whatever the statistics say: the settings leave nothing
-- else. The outputs, which may be large, stay out of the join.
CREATE OR REPLACE FUNCTION succeed_jobs(ids uuid[], fences bigint[], outputs text[], kept_days double precision[],
  id_of_worker uuid, name_of_worker text)
RETURNS TABLE (id uuid, seq bigint, at_ms double precision, run_ms double precision)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY UPDATE job SET state = 'succeeded', finished_at = now(), purge_at = now() + days * interval '1 day',
      lease_until = NULL, worker_id = NULL, event_seq = job.event_seq + 1, output = outputs[nth]::jsonb,
      succeeded_by = id_of_worker, succeeded_by_name = name_of_worker
    FROM unnest(ids, fences, kept_days) WITH ORDINALITY AS given (id, fence, days, nth)
    WHERE job.id = ANY(ids) AND job.id = given.id AND job.fence = given.fence AND job.lease_until IS NOT NULL
      AND job.cancel_requested_at IS NULL
    RETURNING job.id, job.event_seq, (extract(epoch FROM now()) * 1000)::double precision,
      (extract(epoch FROM now() - job.claimed_at) * 1000)::double precision;
END $$;

-- 2. Enqueueing as statements that read their arguments straight into the tables: what had to be put in
-- order and counted by line is done by the caller, and the rare cases have steps of their own.

DROP FUNCTION enqueue_jobs;

-- Writes jobs with their inputs and, in shared streams, their first events. Leaves out those whose unique key is pending, or
-- whose idempotency key or id is there; the answer has those that were written.
--
-- The jobs come in the order of their keys: two who write the same ones wait for each other in one direction
-- only. `line_of` says which of the lines a job stands in (from 1), `place_in_line` how many of these jobs
-- stand before it there. A stream of null is the job's own.
CREATE FUNCTION enqueue_jobs(ids uuid[], queues text[], tasks text[], versions integer[], owners text[], streams text[],
  priorities smallint[], delays_ms double precision[], expires_ms double precision[], all_retries integer[],
  limit_keys text[], unique_keys text[], idempotency_keys text[], parent_ids uuid[], inputs text[], metas text[],
  all_tags text[], trace_parents text[], line_of integer[], place_in_line integer[],
  line_queues text[], line_priorities smallint[], line_owners text[], waiting_text text)
RETURNS TABLE (id uuid, seq bigint, at_ms double precision)
LANGUAGE plpgsql ROWS 100 SET jit = off AS $$
#variable_conflict use_column
DECLARE
  places double precision[];
  turns double precision[];
  written uuid[];
BEGIN
  SELECT array_agg(place.first_fair ORDER BY nth), array_agg(place.turn ORDER BY nth) INTO places, turns
  FROM unnest(line_queues, line_priorities, line_owners) WITH ORDINALITY AS line (queue, priority, owner, nth)
  JOIN next_places(line_queues, line_priorities, line_owners) AS place
    ON place.queue = line.queue AND place.priority = line.priority AND place.owner = line.owner;

  WITH fresh AS (
    INSERT INTO job (id, queue, task, task_version, owner, stream, state, reason, priority, fair, run_at, expires_at,
                     max_attempts, retries, limit_key, unique_key, idempotency_key, parent_id, event_seq)
    SELECT id, queue, task, version, owner, coalesce(stream, 'job:' || id),
           CASE WHEN delay_ms > 0 THEN 'scheduled' ELSE 'queued' END, CASE WHEN delay_ms > 0 THEN 'delay' END,
           priority, places[line] + turns[line] * place, now() + delay_ms * interval '1 millisecond',
           now() + expire_ms * interval '1 millisecond', retries + 1, retries, limit_key, unique_key,
           idempotency_key, parent_id, CASE WHEN stream IS NULL THEN 1 ELSE 0 END
    FROM unnest(ids, queues, tasks, versions, owners, streams, priorities, delays_ms, expires_ms, all_retries,
                limit_keys, unique_keys, idempotency_keys, parent_ids, line_of, place_in_line)
      AS given (id, queue, task, version, owner, stream, priority, delay_ms, expire_ms, retries, limit_key,
                unique_key, idempotency_key, parent_id, line, place)
    ON CONFLICT DO NOTHING
    RETURNING job.id
  )
  SELECT array_agg(fresh.id) INTO written FROM fresh;
  IF written IS NULL THEN RETURN; END IF;

  IF cardinality(written) < cardinality(ids) THEN
    SELECT array_agg(id ORDER BY nth), array_agg(owner ORDER BY nth), array_agg(stream ORDER BY nth),
           array_agg(input ORDER BY nth), array_agg(meta ORDER BY nth), array_agg(tags ORDER BY nth),
           array_agg(trace_parent ORDER BY nth)
    INTO ids, owners, streams, inputs, metas, all_tags, trace_parents
    FROM unnest(ids, owners, streams, inputs, metas, all_tags, trace_parents) WITH ORDINALITY
      AS given (id, owner, stream, input, meta, tags, trace_parent, nth)
    JOIN unnest(written) AS fresh (id) USING (id);
  END IF;

  INSERT INTO job_payload (job_id, owner, input, meta, tags, trace_parent)
  SELECT id, owner, input::jsonb, coalesce(meta, '{}')::jsonb, coalesce(tags, '{}')::text[], trace_parent
  FROM unnest(ids, owners, inputs, metas, all_tags, trace_parents) AS given (id, owner, input, meta, tags, trace_parent);

  IF cardinality(array_remove(streams, NULL)) = 0 THEN
    RETURN QUERY SELECT given.id, 1::bigint, (extract(epoch FROM now()) * 1000)::double precision
    FROM unnest(ids) AS given (id);
    RETURN;
  END IF;

  RETURN QUERY WITH given AS MATERIALIZED (
    SELECT * FROM unnest(ids, streams) WITH ORDINALITY AS given (id, stream, nth)
  ), shared AS (
    INSERT INTO event_stream AS known (stream, last_seq)
    SELECT stream, count(*) FROM given WHERE stream IS NOT NULL GROUP BY stream ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_seq = known.last_seq + excluded.last_seq, ended_at = NULL
    RETURNING stream, last_seq
  ), numbered AS MATERIALIZED (
    SELECT id, stream, CASE WHEN stream IS NULL THEN 1 ELSE
             last_seq - row_number() OVER (PARTITION BY stream ORDER BY nth DESC) + 1 END AS seq
    FROM given LEFT JOIN shared USING (stream)
  ), told AS (
    INSERT INTO event (stream, seq, type, data, at)
    SELECT stream, seq, split_part(stream, ':', 1) || '.queued',
           jsonb_build_object('job_id', id, 'message', waiting_text), now() FROM numbered WHERE stream IS NOT NULL
  )
  SELECT numbered.id, numbered.seq, (extract(epoch FROM now()) * 1000)::double precision FROM numbered;
END $$;

-- breaking: a worker of an older version would write attempts and events that this one writes otherwise
-- The queue's heart: fair share, limits, uniqueness, pause, counts, and fewer writes for each job.
-- Locks: job and its side tables are rewritten in part; stop the workers of older versions first.

-- 1. The job row.

ALTER TABLE job
  -- What the limits of its task count by: a provider, an account. Null: the task alone.
  ADD COLUMN limit_key text,
  -- Only one job of a task with this key may be pending.
  ADD COLUMN unique_key text,
  -- The caller's name for this request: asking again with it gives the same job.
  ADD COLUMN idempotency_key text,
  ADD COLUMN parent_id uuid,
  -- The limit that holds it back, while it waits for one.
  ADD COLUMN parked_by text,
  -- When the attempt at hand began.
  ADD COLUMN claimed_at timestamptz,
  -- The number of the last event of its own stream, job:<id>.
  ADD COLUMN event_seq bigint NOT NULL DEFAULT 0,
  -- When the row and all that belongs to it may be deleted; set at the end.
  ADD COLUMN purge_at timestamptz,
  DROP CONSTRAINT job_reason_check,
  -- Checked where tasks are declared. Here a pattern would be matched at every change of every job.
  DROP CONSTRAINT job_queue_check,
  ADD CONSTRAINT job_reason_check
    CHECK (reason IN ('delay', 'retry', 'snooze', 'rate_limit', 'concurrency_limit')),
  ADD CONSTRAINT job_parked_has_reason
    CHECK ((parked_by IS NOT NULL) = (coalesce(reason, '') IN ('rate_limit', 'concurrency_limit')));

UPDATE job SET claimed_at = job_attempt.started_at FROM job_attempt
  WHERE job.state = 'running' AND job_attempt.job_id = job.id AND job_attempt.fence = job.fence;
UPDATE job SET claimed_at = coalesce(claimed_at, started_at, created_at) WHERE state = 'running';
UPDATE job SET event_seq = event_stream.last_seq FROM event_stream
  WHERE job.stream = 'job:' || job.id AND event_stream.stream = job.stream;
UPDATE job SET purge_at = finished_at + CASE state WHEN 'succeeded' THEN interval '7 days' ELSE interval '30 days' END
  WHERE finished_at IS NOT NULL;
-- From now on the record of an attempt is written when it ends; until then the job row tells of it.
DELETE FROM job_attempt WHERE finished_at IS NULL;

-- A list of an owner's jobs is read by the side row, which never changes: in the index of the hot row
-- every claim and every end would add another entry, at another place for each owner.
DROP INDEX job_owner;
DROP INDEX job_due;
CREATE INDEX job_due ON job (run_at) WHERE state = 'scheduled' AND parked_by IS NULL;
-- What waits for a limit, in the order in which it is let go.
CREATE INDEX job_parked ON job (parked_by, priority DESC, fair, run_at, id) WHERE parked_by IS NOT NULL;
-- The last share an owner took in a line of jobs: where its next one stands.
CREATE INDEX job_share ON job (queue, priority, coalesce(owner, ''), fair) WHERE state = 'queued';
-- The same of those who wait for a limit: where an owner's next job stands in that line.
CREATE INDEX job_parked_share ON job (parked_by, priority, coalesce(owner, ''), fair) WHERE parked_by IS NOT NULL;
DROP INDEX job_running;
-- What runs, for the reaper and for the limits. Few rows; nothing that a beat changes.
CREATE INDEX job_running ON job (task, limit_key, queue, id) WHERE state = 'running';
CREATE UNIQUE INDEX job_unique ON job (task, unique_key) WHERE unique_key IS NOT NULL AND finished_at IS NULL;
CREATE UNIQUE INDEX job_idempotency ON job (task, coalesce(owner, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_parent ON job (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX job_purge ON job (purge_at) WHERE purge_at IS NOT NULL;

-- 2. The side tables. A foreign key costs a look at the job for every row that is written; whoever
-- deletes a job deletes these with it (retention).

ALTER TABLE job_payload
  ADD COLUMN owner text,
  -- W3C trace context of the caller, so that its trace goes on in the worker.
  ADD COLUMN trace_parent text,
  DROP CONSTRAINT job_payload_job_id_fkey;
UPDATE job_payload SET owner = job.owner FROM job WHERE job.id = job_payload.job_id;
CREATE INDEX job_payload_owner ON job_payload (owner, job_id DESC);
ALTER TABLE job_result DROP CONSTRAINT job_result_job_id_fkey;
ALTER TABLE job_progress DROP CONSTRAINT job_progress_job_id_fkey;
ALTER TABLE job_attempt DROP CONSTRAINT job_attempt_job_id_fkey;
ALTER TABLE job_step DROP CONSTRAINT job_step_job_id_fkey;
ALTER TABLE job_log DROP CONSTRAINT job_log_job_id_fkey;

-- 3. Events. The own stream of a job is numbered by the job's row, which every write of it locks
-- anyway; event_stream is for the streams that several jobs share.

ALTER TABLE event DROP CONSTRAINT event_stream_fkey;
DELETE FROM event_stream USING job WHERE event_stream.stream = job.stream AND job.stream = 'job:' || job.id;
-- How far the deletion of events has come, by the end of their jobs.
CREATE TABLE retention_mark (
  chore text PRIMARY KEY,
  until timestamptz NOT NULL
);

-- 4. What people set while the queue runs.

CREATE TABLE queue_control (
  -- A queue, or '*' for all of them together.
  queue text PRIMARY KEY CHECK (queue = '*' OR queue ~ '^[a-z][a-z0-9_]{0,62}$'),
  -- Jobs at once, over all workers.
  max_running integer CHECK (max_running >= 0),
  paused_at timestamptz,
  paused_by text,
  pause_reason text,
  -- When it goes on by itself; null: when somebody says so.
  resume_at timestamptz,
  updated_by text,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- A pause is strict: a claim goes through the gate of its queue and of all queues and keeps both open
-- until it has committed; a pause waits until nobody is in its gate and changes the row before the next
-- claim comes in. The gates are advisory locks, which let waiting pauses go before later claims: row
-- locks that claims share keep a pause waiting as long as claims overlap, and write to the row each time.
-- Not plain SQL: the row must be read after the locks are held, and sees what was committed until then.
CREATE FUNCTION queue_is_open(name text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7101937, hashtext('*'));
  PERFORM pg_advisory_xact_lock_shared(7101937, hashtext(name));
  RETURN NOT EXISTS (
    SELECT 1 FROM queue_control
    WHERE queue IN (name, '*') AND paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now()));
END $$;
CREATE FUNCTION close_queue_gate(name text) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(7101937, hashtext(name))
$$;

-- Goes before what the program and its settings say of a task.
CREATE TABLE task_control (
  task text PRIMARY KEY,
  -- Starts per time, as '10/m', of the task and of each of its keys.
  rate_limit text CHECK (rate_limit ~ '^\d+(\.\d+)?/[smh]$'),
  key_rate_limit text CHECK (key_rate_limit ~ '^\d+(\.\d+)?/[smh]$'),
  -- Jobs at once, over all workers.
  max_running integer CHECK (max_running >= 0),
  key_max_running integer CHECK (key_max_running >= 0),
  updated_by text,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each limit in use: its lock makes those who count take turns.
CREATE TABLE limiter (
  -- 'task:<name>' or 'key:<name>:<key>'
  key text PRIMARY KEY,
  -- Starts that are allowed now.
  tokens double precision NOT NULL,
  refilled_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

CREATE TABLE owner_weight (
  owner text PRIMARY KEY,
  -- An owner of weight 2 gets two turns where others get one.
  weight double precision NOT NULL CHECK (weight > 0)
);

-- 5. Counts by queue and state, without reading jobs. Changes are appended, so that nobody waits for
-- anybody, and summed up from time to time; the count is the sum of both tables.

CREATE TABLE job_count (
  queue text NOT NULL,
  state text NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (queue, state)
) WITH (fillfactor = 50);
CREATE TABLE job_count_change (
  queue text NOT NULL,
  state text NOT NULL,
  change bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
INSERT INTO job_count (queue, state, count) SELECT queue, state, count(*) FROM job GROUP BY queue, state;

CREATE FUNCTION count_inserted_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO job_count_change SELECT queue, state, count(*) FROM fresh GROUP BY queue, state;
  RETURN NULL;
END $$;
CREATE FUNCTION count_updated_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO job_count_change
  SELECT queue, state, sum(change) FROM (
    SELECT queue, state, 1 AS change FROM fresh UNION ALL SELECT queue, state, -1 FROM stale
  ) AS both_sides GROUP BY queue, state HAVING sum(change) <> 0;
  RETURN NULL;
END $$;
CREATE FUNCTION count_deleted_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO job_count_change SELECT queue, state, -count(*) FROM stale GROUP BY queue, state;
  RETURN NULL;
END $$;
CREATE TRIGGER job_inserted AFTER INSERT ON job REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_jobs();
CREATE TRIGGER job_updated AFTER UPDATE ON job REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
  FOR EACH STATEMENT EXECUTE FUNCTION count_updated_jobs();
CREATE TRIGGER job_deleted AFTER DELETE ON job REFERENCING OLD TABLE AS stale
  FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_jobs();

-- 6. What a worker says of itself, and what it is told.

ALTER TABLE worker
  ADD COLUMN host text NOT NULL DEFAULT '',
  ADD COLUMN pid integer NOT NULL DEFAULT 0,
  ADD COLUMN version text NOT NULL DEFAULT '',
  ADD COLUMN state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'draining', 'stopped')),
  ADD COLUMN running integer NOT NULL DEFAULT 0,
  ADD COLUMN processed bigint NOT NULL DEFAULT 0,
  ADD COLUMN failed bigint NOT NULL DEFAULT 0,
  ADD COLUMN rss_bytes bigint NOT NULL DEFAULT 0,
  ADD COLUMN loop_delay_ms double precision NOT NULL DEFAULT 0,
  -- What somebody asks of it; it looks with every beat of its row.
  ADD COLUMN wanted_state text CHECK (wanted_state IN ('running', 'draining', 'stopped')),
  ADD COLUMN wanted_concurrency integer CHECK (wanted_concurrency >= 1);

-- 7. The three statements that every job goes through: as functions, whose plans are kept. Sent as text
-- through a pooler they would be planned each time, which takes longer than a small batch of their work.
-- And looks into the line of jobs must never sort or read all of it, whatever the statistics say: those
-- are old whenever a queue fills or drains. The settings of a function hold for its statements.

-- Locks up to `wanted` jobs in the order in which they are to be started.
CREATE FUNCTION next_jobs(wanted_queue text, task_keys text[], wanted integer, is_oldest boolean)
RETURNS SETOF uuid LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_incremental_sort = off AS $$
BEGIN
  IF is_oldest THEN
    RETURN QUERY SELECT id FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY run_at, id LIMIT wanted FOR UPDATE SKIP LOCKED;
  ELSE
    RETURN QUERY SELECT id FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY priority DESC, fair, run_at, id LIMIT wanted FOR UPDATE SKIP LOCKED;
  END IF;
END $$;

-- Gives jobs that the caller has locked to a worker.
CREATE FUNCTION take_jobs(ids uuid[], new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, queue text, task text, task_version integer, owner text, stream text, attempt integer,
  max_attempts integer, fence bigint, runs_alone boolean, priority smallint, limit_key text,
  wait_ms double precision, trace_parent text, input jsonb)
LANGUAGE plpgsql ROWS 100 SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH taken AS (
    UPDATE job SET state = 'running', fence = job.fence + 1, attempt = job.attempt + 1, worker_id = new_worker_id,
      lease_until = now() + lease_ms * interval '1 millisecond', claimed_at = now(),
      started_at = coalesce(job.started_at, now())
    FROM unnest(ids) AS chosen (id) WHERE job.id = chosen.id
    RETURNING job.id, job.queue, job.task, job.task_version, job.owner, job.stream, job.attempt, job.max_attempts,
      job.fence, job.runs_alone, job.priority, job.limit_key,
      (extract(epoch FROM now() - greatest(job.run_at, job.created_at)) * 1000)::double precision AS wait_ms
  )
  SELECT taken.*, job_payload.trace_parent, job_payload.input
  FROM taken JOIN job_payload ON job_payload.job_id = taken.id;
END $$;

-- The plain claim: the best, or the oldest, due jobs of one queue that the worker can run.
CREATE FUNCTION claim_jobs(wanted_queue text, task_keys text[], wanted integer, is_oldest boolean,
  new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, queue text, task text, task_version integer, owner text, stream text, attempt integer,
  max_attempts integer, fence bigint, runs_alone boolean, priority smallint, limit_key text,
  wait_ms double precision, trace_parent text, input jsonb)
LANGUAGE plpgsql ROWS 100 AS $$
DECLARE
  chosen uuid[];
BEGIN
  IF NOT queue_is_open(wanted_queue) THEN RETURN; END IF;
  chosen := ARRAY(SELECT next_jobs(wanted_queue, task_keys, wanted, is_oldest));
  IF cardinality(chosen) > 0 THEN
    RETURN QUERY SELECT * FROM take_jobs(chosen, new_worker_id, lease_ms);
  END IF;
END $$;

-- Where the next job of each owner stands in its line, and how far apart an owner's jobs stand: by the
-- last of its own that waits, and the first that waits at all. A line is a queue, a priority, an owner.
CREATE FUNCTION next_places(queues text[], priorities smallint[], owners text[])
RETURNS TABLE (queue text, priority smallint, owner text, turn double precision, first_fair double precision)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_incremental_sort = off AS $$
BEGIN
  -- The first that waits is the same for all owners of a queue and a priority. It is looked up once for
  -- them: the look passes every entry of a job that was claimed since the last vacuum.
  RETURN QUERY WITH line AS MATERIALIZED (
    SELECT * FROM unnest(queues, priorities, owners) AS line (queue, priority, owner)
  ), head AS MATERIALIZED (
    SELECT lines.queue, lines.priority, (
      SELECT job.fair FROM job WHERE job.state = 'queued' AND job.queue = lines.queue AND job.priority = lines.priority
      ORDER BY job.fair LIMIT 1) AS fair
    FROM (SELECT DISTINCT line.queue, line.priority FROM line) AS lines
  )
  SELECT line.queue, line.priority, line.owner, weighed.turn,
    greatest(coalesce(last.fair + weighed.turn, 0), coalesce(head.fair, 0))
  FROM line JOIN head ON head.queue = line.queue AND head.priority = line.priority
  CROSS JOIN LATERAL (
    SELECT coalesce(1 / (SELECT weight FROM owner_weight WHERE owner_weight.owner = line.owner), 1) AS turn
  ) AS weighed
  LEFT JOIN LATERAL (
    SELECT job.fair FROM job WHERE job.state = 'queued' AND job.queue = line.queue AND job.priority = line.priority
      AND coalesce(job.owner, '') = line.owner
    ORDER BY job.fair DESC LIMIT 1
  ) AS last ON true;
END $$;

-- Writes jobs with their inputs and their first events. Leaves out those whose unique key is pending, or
-- whose idempotency key or id is there; the answer has those that were written.
CREATE FUNCTION enqueue_jobs(ids uuid[], queues text[], tasks text[], versions integer[], owners text[], streams text[],
  priorities smallint[], delays_ms double precision[], expires_ms double precision[], all_retries integer[],
  limit_keys text[], unique_keys text[], idempotency_keys text[], parent_ids uuid[], inputs text[], metas text[],
  all_tags text[], trace_parents text[], waiting_text text)
RETURNS TABLE (id uuid, state text, run_at timestamptz, created_at timestamptz, seq bigint)
LANGUAGE plpgsql ROWS 100 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH given AS MATERIALIZED (
    SELECT given.* FROM unnest(ids, queues, tasks, versions, owners, streams, priorities, delays_ms, expires_ms, all_retries,
      limit_keys, unique_keys, idempotency_keys, parent_ids, inputs, metas, all_tags, trace_parents) WITH ORDINALITY
      AS given (id, queue, task, version, owner, stream, priority, delay_ms, expire_ms, retries, limit_key, unique_key,
                idempotency_key, parent_id, input, meta, tags, trace_parent, nth)
  ), line AS MATERIALIZED (
    SELECT place.* FROM (
      SELECT array_agg(queue) AS of_queues, array_agg(priority) AS of_priorities, array_agg(owner_key) AS of_owners
      FROM (SELECT DISTINCT queue, priority, coalesce(owner, '') AS owner_key FROM given) AS lines
    ) AS all_lines, LATERAL next_places(of_queues, of_priorities, of_owners) AS place
  ), share AS (
    SELECT given.id, first_fair + turn * (row_number() OVER (
      PARTITION BY given.queue, given.priority, coalesce(given.owner, '') ORDER BY nth) - 1) AS fair
    FROM given JOIN line ON line.queue = given.queue AND line.priority = given.priority
      AND line.owner = coalesce(given.owner, '')
  ), fresh AS (
    INSERT INTO job (id, queue, task, task_version, owner, stream, state, reason, priority, fair, run_at, expires_at,
                     max_attempts, retries, limit_key, unique_key, idempotency_key, parent_id, event_seq)
    SELECT id, queue, task, version, owner, stream, CASE WHEN delay_ms > 0 THEN 'scheduled' ELSE 'queued' END,
           CASE WHEN delay_ms > 0 THEN 'delay' END, priority, fair, now() + delay_ms * interval '1 millisecond',
           now() + expire_ms * interval '1 millisecond', retries + 1, retries, limit_key, unique_key,
           idempotency_key, parent_id, CASE WHEN stream = 'job:' || id THEN 1 ELSE 0 END
    FROM given JOIN share USING (id)
    -- In the order of their keys: two who write the same ones wait for each other in one direction only.
    ORDER BY task, unique_key, CASE WHEN unique_key IS NULL THEN idempotency_key || ' ' || coalesce(owner, '') END, nth
    ON CONFLICT DO NOTHING
    RETURNING job.id, job.state, job.run_at, job.created_at, job.event_seq
  ), written AS MATERIALIZED (
    SELECT given.id, nth, owner, stream, input, meta, tags, trace_parent, fresh.state, fresh.run_at, created_at, event_seq
    FROM fresh JOIN given USING (id)
  ), payload AS (
    INSERT INTO job_payload (job_id, owner, input, meta, tags, trace_parent)
    SELECT id, owner, input::jsonb, meta::jsonb, tags::text[], trace_parent FROM written
  ), shared AS (
    INSERT INTO event_stream AS known (stream, last_seq)
    SELECT stream, count(*) FROM written WHERE event_seq = 0 GROUP BY stream ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_seq = known.last_seq + excluded.last_seq, ended_at = NULL
    RETURNING stream, last_seq
  ), numbered AS MATERIALIZED (
    SELECT id, nth, stream, state, run_at, created_at, CASE WHEN event_seq = 1 THEN 1 ELSE
             last_seq - row_number() OVER (PARTITION BY stream, event_seq ORDER BY nth DESC) + 1 END AS seq
    FROM written LEFT JOIN shared USING (stream)
  ), told AS (
    INSERT INTO event (stream, seq, type, data, at)
    SELECT stream, seq, split_part(stream, ':', 1) || '.queued',
           jsonb_build_object('job_id', id, 'message', waiting_text), now() FROM numbered
  )
  SELECT numbered.id, numbered.state, numbered.run_at, numbered.created_at, numbered.seq FROM numbered;
END $$;

-- Ends jobs that succeeded, where nothing else is to be written with their end: state, result, the record
-- of the attempt, the last event of their own streams. Leaves those that this claim does not hold any
-- more, or whose cancel was asked for. The ids come in order: everybody locks so who locks several.
CREATE FUNCTION succeed_jobs(ids uuid[], fences bigint[], outputs text[], kept_days double precision[],
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
  ), results AS (
    INSERT INTO job_result (job_id, output) SELECT id, output::jsonb FROM ended
    ON CONFLICT (job_id) DO UPDATE SET output = excluded.output, error_code = NULL, error_message = NULL
  ), attempts AS (
    INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, started_at, finished_at, outcome)
    SELECT id, fence, attempt, id_of_worker, name_of_worker, claimed_at, now(), 'succeeded' FROM ended
  ), told AS (
    INSERT INTO event (stream, seq, type, data, at)
    SELECT 'job:' || id, event_seq, 'job.succeeded', jsonb_build_object('job_id', id), now() FROM ended
  )
  SELECT ended.id, ended.event_seq, (extract(epoch FROM now()) * 1000)::double precision, (extract(epoch FROM now() - ended.claimed_at) * 1000)::double precision FROM ended;
END $$;

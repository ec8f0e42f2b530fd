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

DROP INDEX job_due;
CREATE INDEX job_due ON job (run_at) WHERE state = 'scheduled' AND parked_by IS NULL;
-- What waits for a limit, in the order in which it is let go.
CREATE INDEX job_parked ON job (parked_by, priority DESC, fair, run_at, id) WHERE parked_by IS NOT NULL;
-- The last share an owner took in a line of jobs: where its next one stands.
CREATE INDEX job_share ON job (queue, priority, coalesce(owner, ''), fair) WHERE state = 'queued';
DROP INDEX job_running;
-- What runs, for the reaper and for the limits. Few rows; nothing that a beat changes.
CREATE INDEX job_running ON job (task, limit_key, queue, id) WHERE state = 'running';
CREATE UNIQUE INDEX job_unique ON job (task, unique_key) WHERE unique_key IS NOT NULL AND finished_at IS NULL;
CREATE UNIQUE INDEX job_idempotency ON job (task, coalesce(owner, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_parent ON job (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX job_purge ON job (purge_at) WHERE purge_at IS NOT NULL;

-- The two looks into the line of jobs that must never sort or read all of it, whatever the statistics
-- say: they are old whenever a queue fills or drains. A setting of a function holds for its statements.
-- Also, its plans are kept, which a statement behind a pooler can't have.

-- Locks up to `wanted` jobs in the order in which they are to be started.
CREATE FUNCTION next_jobs(wanted_queue text, task_keys text[], wanted integer, is_oldest boolean)
RETURNS TABLE (id uuid) LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
  IF is_oldest THEN
    RETURN QUERY SELECT job.id FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY run_at, job.id LIMIT wanted FOR UPDATE SKIP LOCKED;
  ELSE
    RETURN QUERY SELECT job.id FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY priority DESC, fair, run_at, job.id LIMIT wanted FOR UPDATE SKIP LOCKED;
  END IF;
END $$;

-- Where the next job of each owner stands in its line, and how far apart an owner's jobs stand: by the
-- last of its own that waits, and the first that waits at all. A line is a queue, a priority, an owner.
CREATE FUNCTION next_places(queues text[], priorities smallint[], owners text[])
RETURNS TABLE (queue text, priority smallint, owner text, turn double precision, first_fair double precision)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
  RETURN QUERY SELECT line.queue, line.priority, line.owner, weighed.turn,
    greatest(coalesce(last.fair + weighed.turn, 0), coalesce(head.fair, 0))
  FROM unnest(queues, priorities, owners) AS line (queue, priority, owner)
  CROSS JOIN LATERAL (
    SELECT coalesce(1 / (SELECT weight FROM owner_weight WHERE owner_weight.owner = line.owner), 1) AS turn
  ) AS weighed
  LEFT JOIN LATERAL (
    SELECT job.fair FROM job WHERE job.state = 'queued' AND job.queue = line.queue AND job.priority = line.priority
      AND coalesce(job.owner, '') = line.owner
    ORDER BY job.fair DESC LIMIT 1
  ) AS last ON true
  LEFT JOIN LATERAL (
    SELECT job.fair FROM job WHERE job.state = 'queued' AND job.queue = line.queue AND job.priority = line.priority
    ORDER BY job.fair LIMIT 1
  ) AS head ON true;
END $$;

-- 2. The side tables. A foreign key costs a look at the job for every row that is written; whoever
-- deletes a job deletes these with it (retention).

ALTER TABLE job_payload
  -- W3C trace context of the caller, so that its trace goes on in the worker.
  ADD COLUMN trace_parent text,
  DROP CONSTRAINT job_payload_job_id_fkey;
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

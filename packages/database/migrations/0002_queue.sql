-- The task queue: jobs, their attempts and steps, numbered events, log lines, workers.
-- Locks: none that matter, the tables are new.
-- The job row is hot: it is updated at every claim, beat and end. It stays narrow (what is read
-- only sometimes is in side tables), leaves room on its page for updates in place, and no index
-- contains lease_until, so that heartbeats never touch an index.

CREATE TABLE job (
  id uuid PRIMARY KEY,
  queue text NOT NULL CHECK (queue ~ '^[a-z][a-z0-9_]{0,62}$'),
  task text NOT NULL,
  task_version integer NOT NULL DEFAULT 1,
  -- Opaque to the queue: the workspace, for fair share and for who may see it.
  owner text,
  -- Where its events go: document:<id>, or job:<id> when it has no such stream.
  stream text NOT NULL,
  state text NOT NULL CHECK (state IN ('blocked', 'scheduled', 'queued', 'running', 'waiting',
                                       'succeeded', 'failed', 'cancelled', 'expired')),
  reason text CHECK (reason IN ('delay', 'retry', 'snooze', 'rate_limit')),
  priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 9),
  -- Fair share between owners: computed at enqueue, ordered within a priority.
  fair double precision NOT NULL DEFAULT 0,
  run_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  attempt integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL CHECK (max_attempts >= 1),
  retries integer NOT NULL CHECK (retries >= 0),
  -- Crashes of attempts that ran alone: the third ends the job.
  crash_count integer NOT NULL DEFAULT 0,
  -- Set by a crash: the next attempt gets a process of its own.
  runs_alone boolean NOT NULL DEFAULT false,
  -- Grows with every claim, reap and forced end; a write that carries an older number is void.
  fence bigint NOT NULL DEFAULT 0,
  worker_id uuid,
  lease_until timestamptz,
  cancel_requested_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT job_terminal_is_finished
    CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled', 'expired'))),
  CONSTRAINT job_running_has_lease
    CHECK ((state = 'running') = (worker_id IS NOT NULL AND lease_until IS NOT NULL)),
  CONSTRAINT job_scheduled_has_reason CHECK ((state = 'scheduled') = (reason IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

-- The claim reads this index in order and never sorts.
CREATE INDEX job_claim ON job (queue, priority DESC, fair, run_at, id) WHERE state = 'queued';
-- The claims that take the oldest due job whatever its priority, so that nothing starves.
CREATE INDEX job_claim_oldest ON job (queue, run_at, id) WHERE state = 'queued';
CREATE INDEX job_due ON job (run_at) WHERE state = 'scheduled';
CREATE INDEX job_running ON job (id) WHERE state = 'running';
CREATE INDEX job_expiry ON job (expires_at)
  WHERE expires_at IS NOT NULL AND state IN ('blocked', 'scheduled', 'queued', 'waiting');
CREATE INDEX job_owner ON job (owner, id DESC);
CREATE INDEX job_finished_at ON job (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_payload (
  job_id uuid PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  input jsonb NOT NULL,
  meta jsonb NOT NULL DEFAULT '{}',
  tags text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE job_result (
  job_id uuid PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  output jsonb,
  error_code text,
  error_message text
);

CREATE TABLE job_progress (
  job_id uuid PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  percent real NOT NULL DEFAULT 0,
  stage text,
  message text,
  done double precision,
  total double precision,
  unit text,
  eta_seconds double precision,
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

CREATE TABLE job_attempt (
  job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  fence bigint NOT NULL,
  attempt integer NOT NULL,
  worker_id uuid NOT NULL,
  worker_name text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  outcome text CHECK (outcome IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'crashed',
                                  'snoozed', 'handed_back')),
  error_code text,
  error_message text,
  PRIMARY KEY (job_id, fence),
  CHECK ((finished_at IS NULL) = (outcome IS NULL))
);

CREATE TABLE job_step (
  job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  state text NOT NULL CHECK (state IN ('started', 'done')),
  -- The claim under which it last started: a later claim that finds 'started' runs it again.
  fence bigint NOT NULL,
  starts integer NOT NULL DEFAULT 1,
  output jsonb,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (job_id, key),
  CHECK ((state = 'done') = (finished_at IS NOT NULL))
);

CREATE TABLE job_log (
  id uuid PRIMARY KEY,
  job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  level text NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error')),
  step text,
  message text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_log_job ON job_log (job_id, id);
CREATE INDEX job_log_created_at ON job_log (created_at);

-- The row whose lock numbers a stream's events: no gaps, in the order of commits. It stays when the
-- events are deleted, so that numbers are never given twice.
CREATE TABLE event_stream (
  stream text PRIMARY KEY,
  last_seq bigint NOT NULL DEFAULT 0,
  -- When the work that writes it ended. Retention counts from here. Null while the work goes on, and
  -- again when its events are deleted: there is nothing left to look at.
  ended_at timestamptz,
  -- What it tells of is gone for good: the row goes with its events.
  is_forgotten boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX event_stream_ended_at ON event_stream (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE event (
  stream text NOT NULL REFERENCES event_stream (stream) ON DELETE CASCADE,
  seq bigint NOT NULL,
  type text NOT NULL,
  data jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, seq)
);

CREATE TABLE worker (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  queues text[] NOT NULL,
  concurrency integer NOT NULL,
  tasks text[] NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  beat_at timestamptz NOT NULL DEFAULT now(),
  stopped_at timestamptz
);

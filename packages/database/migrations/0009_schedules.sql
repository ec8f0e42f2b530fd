-- Schedules: rules that make jobs at times, and what became of each time.
-- Locks: none that matter, the tables are new.

CREATE TABLE schedule (
  id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL CONSTRAINT schedule_name_is_unique UNIQUE,
  description text,
  task text NOT NULL,
  -- As it was given: the task's schema reads it for each job.
  input jsonb NOT NULL,
  -- Of its jobs. Null in the first three: what the task says.
  queue text,
  priority smallint CHECK (priority BETWEEN 0 AND 9),
  expires_in_ms double precision CHECK (expires_in_ms > 0),
  owner text COLLATE "C",
  tags text[] NOT NULL DEFAULT '{}',
  kind text NOT NULL CHECK (kind IN ('cron', 'interval', 'once')),
  cron text,
  timezone text NOT NULL,
  every_ms double precision CHECK (every_ms >= 1000),
  at timestamptz,
  -- Where an interval counts from.
  anchor_at timestamptz NOT NULL,
  start_at timestamptz,
  end_at timestamptz,
  jitter_ms double precision NOT NULL CHECK (jitter_ms >= 0),
  misfire text NOT NULL CHECK (misfire IN ('skip', 'once', 'all')),
  grace_ms double precision NOT NULL CHECK (grace_ms >= 0),
  overlap text NOT NULL CHECK (overlap IN ('allow', 'skip')),
  paused_at timestamptz,
  paused_by text,
  pause_reason text,
  -- The next time it stands for, and when that one comes: with its jitter. Null: it has ended.
  next_at timestamptz,
  due_at timestamptz,
  last_at timestamptz,
  last_job_id uuid,
  last_error_code text,
  last_error_message text,
  total_runs bigint NOT NULL DEFAULT 0,
  total_missed bigint NOT NULL DEFAULT 0,
  source text NOT NULL CHECK (source IN ('program', 'person', 'product')),
  -- The declaration as it was last taken over, so that only a change of it replaces what people edited.
  declared_hash text,
  is_edited boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL,
  CONSTRAINT schedule_kind_has_its_time CHECK (
    (kind = 'cron') = (cron IS NOT NULL) AND (kind = 'interval') = (every_ms IS NOT NULL)
    AND (kind = 'once') = (at IS NOT NULL)),
  CONSTRAINT schedule_next_has_due CHECK ((next_at IS NULL) = (due_at IS NULL)),
  CONSTRAINT schedule_declared_has_hash CHECK ((source = 'person') = (declared_hash IS NULL))
);
-- What schedulers look at, again and again.
CREATE INDEX schedule_due ON schedule (due_at) WHERE due_at IS NOT NULL AND paused_at IS NULL;

-- One row for each time that came, written with its job.
CREATE TABLE schedule_tick (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
  scheduled_for timestamptz NOT NULL,
  fired_at timestamptz NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('enqueued', 'missed', 'overlap', 'refused')),
  -- Earlier times that passed without a job.
  missed integer NOT NULL DEFAULT 0,
  job_id uuid,
  -- Asked for by somebody: it took no time's place.
  is_manual boolean NOT NULL DEFAULT false,
  asked_by text,
  error_code text,
  error_message text,
  CONSTRAINT schedule_tick_enqueued_has_job CHECK (outcome <> 'enqueued' OR job_id IS NOT NULL)
);
-- Each time fires at most once, whoever tries, and wherever the clock goes.
CREATE UNIQUE INDEX schedule_tick_time ON schedule_tick (schedule_id, scheduled_for) WHERE NOT is_manual;
CREATE INDEX schedule_tick_newest ON schedule_tick (schedule_id, id DESC);

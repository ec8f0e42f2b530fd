-- Alarms: what is wrong now, what was, and whether it was told; and counts of ends by the minute, for the
-- share of failures.
-- Locks: job against writes while the index is built, which reads the table once. The rest is new.
-- Indexes: alarm_open finds the row of a condition, alarm_to_tell what is to be sent, alarm_cleared_at what
-- is to be deleted.

CREATE TABLE alarm (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  -- A queue, a task, a process: what it is about.
  subject text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
  message text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  -- Looks in a row that found it so, until it is raised.
  looks integer NOT NULL DEFAULT 1 CHECK (looks >= 1),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  -- Null: it was found, but not often enough yet to be told of.
  raised_at timestamptz,
  cleared_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  -- When the webhook is to be called next; null: there is nothing to tell.
  tell_at timestamptz,
  tell_tries integer NOT NULL DEFAULT 0,
  raise_told_at timestamptz,
  clear_told_at timestamptz,
  CONSTRAINT alarm_cleared_was_raised CHECK (cleared_at IS NULL OR raised_at IS NOT NULL),
  CONSTRAINT alarm_acknowledged_was_raised CHECK (acknowledged_at IS NULL OR raised_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX alarm_open ON alarm (kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarm_to_tell ON alarm (tell_at) WHERE tell_at IS NOT NULL;
CREATE INDEX alarm_cleared_at ON alarm (cleared_at) WHERE cleared_at IS NOT NULL;

-- One row. Its lock makes the processes take turns; a look that was overtaken finds another number.
CREATE TABLE alarm_look (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  number bigint NOT NULL,
  looked_at timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO alarm_look (number, looked_at) VALUES (0, '-infinity');

-- Jobs that ended in a queue, by the minute in which that was summed up (`job_count_change`).
CREATE TABLE queue_end_count (
  minute timestamptz NOT NULL,
  queue text NOT NULL,
  state text NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (minute, queue, state)
) WITH (fillfactor = 50);

-- Few: jobs that killed their worker three times.
CREATE INDEX job_crashed_worker ON job (finished_at) WHERE error_code = 'job_crashed_worker';

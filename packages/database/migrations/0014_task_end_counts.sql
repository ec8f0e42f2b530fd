-- Ends of jobs by task, for the share of a task's jobs that fails.
-- Locks: none; the table is new.
-- Indexes: task_end_count_pkey finds what ended within the last minutes.

-- Jobs of a task that ended, by the minute in which a process summed up what it had ended.
CREATE TABLE task_end_count (
  minute timestamptz NOT NULL,
  task text NOT NULL,
  state text NOT NULL CHECK (state IN ('succeeded', 'failed')),
  count bigint NOT NULL,
  PRIMARY KEY (minute, task, state)
) WITH (fillfactor = 50);

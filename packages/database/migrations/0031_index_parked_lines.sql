-- What jobs that wait for the limit of their task keep of the limit of their key is counted in an index.
-- Locks: job, while the index is built: its readers go on, its writers wait.

CREATE INDEX job_reserved ON job (parked_by, limit_key, priority DESC)
  WHERE parked_by LIKE 'task:%' AND limit_key IS NOT NULL;

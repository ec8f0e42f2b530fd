-- Lines of jobs that wait for a limit are read queue by queue, and what they keep of the limit of their key is counted.
-- Programs of the version before find their lines by the same indexes; only where one of them does the upkeep, its look
-- for jobs of tasks that have changed their queue sorts each line, every ten seconds.
-- And the row of a limit says itself when it may be forgotten: whoever prunes need not know its task.
-- Locks: limiter, for a moment; job, while the indexes are built: its readers wait too.

DROP INDEX job_parked;
-- A worker looks at the lines of one queue: without it, a million jobs that wait in another were read past.
CREATE INDEX job_parked ON job (queue, parked_by, priority DESC, fair, run_at, id) WHERE parked_by IS NOT NULL;
-- Jobs in the lines of tasks, by their key.
CREATE INDEX job_reserved ON job (queue, parked_by, limit_key, priority DESC)
  WHERE parked_by LIKE 'task:%' AND limit_key IS NOT NULL;

-- When its bucket will be full, if nothing starts until then. A program of the version before does not say so: a bucket
-- that takes longer than this to fill may start full when its row, unused for a month, is forgotten.
ALTER TABLE limiter ADD COLUMN full_at timestamptz NOT NULL DEFAULT now() + interval '30 days';

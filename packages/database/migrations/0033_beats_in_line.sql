-- A beat finds its jobs by their ids, and joins them by hash. As a statement of its own it was planned by what the
-- statistics said of jobs that run: where that was none, it read the table to its end twice and compared each job with
-- each other, half a second for a thousand.
-- Locks: none.

-- Extends the leases of jobs that are still held under these fences. Locks the rows that are free, in the order of their
-- ids like everybody who locks several, and waits for none: one long transaction of one job must not cost the others
-- their lease. A job that is not in the answer is no longer held; one that is not extended is, but somebody has its row
-- locked.
CREATE FUNCTION beat_jobs(ids uuid[], fences bigint[], lease_ms double precision)
RETURNS TABLE (id uuid, is_cancel_requested boolean, is_extended boolean)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH free AS MATERIALIZED (
    SELECT job.id FROM job
    JOIN unnest(ids, fences) AS given (id, fence) ON job.id = given.id AND job.fence = given.fence
    WHERE job.id = ANY(ids) AND job.state = 'running'
    ORDER BY job.id FOR UPDATE OF job SKIP LOCKED
  ), beaten AS (
    UPDATE job SET lease_until = now() + lease_ms * interval '1 millisecond'
    WHERE job.id = ANY(ARRAY(SELECT free.id FROM free)) RETURNING job.id
  )
  SELECT job.id, job.cancel_requested_at IS NOT NULL, beaten.id IS NOT NULL FROM job
  JOIN unnest(ids, fences) AS given (id, fence) ON job.id = given.id AND job.fence = given.fence
  LEFT JOIN beaten ON beaten.id = job.id
  WHERE job.id = ANY(ids) AND job.state = 'running';
END $$;

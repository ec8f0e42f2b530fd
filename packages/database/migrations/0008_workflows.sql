-- breaking: a process of an older version would end members of workflows without counting them
-- Workflows: chains, groups, chords and maps of jobs, joined in the transaction that ends a member.
-- Locks: none that matter; job gets a column and an index that no row is in yet.

-- 1. A workflow and the tree of what it runs.

-- Its row is what a join takes turns by: whoever changes nodes, or a job that is blocked, holds it.
CREATE TABLE workflow (
  id uuid PRIMARY KEY,
  name text,
  -- Opaque to the queue, as that of a job.
  owner text COLLATE "C",
  idempotency_key text COLLATE "C",
  -- Of what was asked for with the key: another request must not get this workflow for it.
  fingerprint text NOT NULL,
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
  cancel_requested_at timestamptz,
  tags text[] NOT NULL DEFAULT '{}',
  meta jsonb NOT NULL DEFAULT '{}',
  -- Jobs: all, those that have ended, and those among them that did not succeed.
  total_jobs integer NOT NULL,
  ended_jobs integer NOT NULL DEFAULT 0,
  failed_jobs integer NOT NULL DEFAULT 0,
  error_code text,
  error_message text,
  -- The jobs to enqueue at its end, and the last one that was.
  on_success jsonb,
  on_failure jsonb,
  callback_job_id uuid,
  priority smallint CHECK (priority BETWEEN 0 AND 9),
  trace_parent text,
  -- The longest that a task of it keeps its jobs.
  kept_days double precision NOT NULL,
  kept_days_otherwise double precision NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  -- When it may be deleted with its jobs, which have no time of their own.
  purge_at timestamptz,
  CONSTRAINT workflow_terminal_is_finished CHECK ((finished_at IS NOT NULL) = (state <> 'running'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
CREATE INDEX workflow_owner ON workflow (owner, id DESC);
CREATE INDEX workflow_purge ON workflow (purge_at) WHERE purge_at IS NOT NULL;
CREATE UNIQUE INDEX workflow_idempotency ON workflow (coalesce(owner, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;

CREATE TABLE workflow_node (
  workflow_id uuid NOT NULL,
  -- From 1, the root; those of what a node consists of are higher than its own.
  number integer NOT NULL,
  -- The node that it is a part of, and its place there, from 0.
  parent integer,
  position integer NOT NULL,
  kind text NOT NULL CHECK (kind IN ('job', 'chain', 'group', 'chord', 'map')),
  state text NOT NULL CHECK (state IN ('blocked', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
  -- Of groups and maps.
  policy text CHECK (policy IN ('stop', 'finish', 'collect')),
  -- Its parts: all, those that have not ended, and those that did not succeed.
  size integer NOT NULL DEFAULT 0,
  remaining integer NOT NULL DEFAULT 0,
  unsuccessful integer NOT NULL DEFAULT 0,
  job_id uuid,
  -- What a job takes of the output of what goes before it: nothing, all of it as its input, or all of it
  -- under a key of its input.
  takes text NOT NULL DEFAULT 'nothing' CHECK (takes IN ('nothing', 'all', 'key')),
  takes_key text,
  -- From its release.
  delay_ms double precision NOT NULL DEFAULT 0,
  expires_ms double precision,
  -- What it is a part of is stopped: it releases nothing more, and its jobs are to be cancelled.
  is_stopping boolean NOT NULL DEFAULT false,
  -- Of a map: what its jobs are made of.
  template jsonb,
  error_code text,
  error_message text,
  PRIMARY KEY (workflow_id, number),
  CONSTRAINT workflow_node_counts CHECK (remaining BETWEEN 0 AND size)
) WITH (fillfactor = 80);
CREATE INDEX workflow_node_parent ON workflow_node (workflow_id, parent, position);
CREATE UNIQUE INDEX workflow_node_job ON workflow_node (job_id) WHERE job_id IS NOT NULL;

-- Members that are still to be cancelled, for whoever does it: it may not be who has decided it.
CREATE INDEX workflow_node_stopping ON workflow_node (workflow_id, job_id)
  WHERE is_stopping AND state = 'running' AND job_id IS NOT NULL;

ALTER TABLE job ADD COLUMN workflow_id uuid;
CREATE INDEX job_workflow ON job (workflow_id, id) WHERE workflow_id IS NOT NULL;

-- 2. What takes jobs says of each to which workflow it belongs: the bodies of migrations 5 and 6, with that
-- column.

DROP FUNCTION claim_jobs;
DROP FUNCTION take_jobs;

CREATE FUNCTION take_jobs(ids uuid[], new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, queue text, task text, task_version integer, owner text, stream text, attempt integer,
  max_attempts integer, fence bigint, runs_alone boolean, priority smallint, limit_key text, workflow_id uuid,
  wait_ms double precision, trace_parent text, input jsonb)
LANGUAGE plpgsql ROWS 100 SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH taken AS (
    UPDATE job SET state = 'running', fence = job.fence + 1, attempt = job.attempt + 1, worker_id = new_worker_id,
      lease_until = now() + lease_ms * interval '1 millisecond', claimed_at = now(),
      started_at = coalesce(job.started_at, now())
    FROM unnest(ids) AS chosen (id) WHERE job.id = chosen.id
    RETURNING job.id, job.queue, job.task, job.task_version, job.owner, job.stream, job.attempt, job.max_attempts,
      job.fence, job.runs_alone, job.priority, job.limit_key, job.workflow_id,
      (extract(epoch FROM now() - greatest(job.run_at, job.created_at)) * 1000)::double precision AS wait_ms
  )
  SELECT taken.*, job_payload.trace_parent, job_payload.input
  FROM taken JOIN job_payload ON job_payload.job_id = taken.id;
END $$;

CREATE FUNCTION claim_jobs(wanted_queue text, task_keys text[], wanted integer, wanted_oldest integer,
  new_worker_id uuid, lease_ms double precision)
RETURNS TABLE (id uuid, queue text, task text, task_version integer, owner text, stream text, attempt integer,
  max_attempts integer, fence bigint, runs_alone boolean, priority smallint, limit_key text, workflow_id uuid,
  wait_ms double precision, trace_parent text, input jsonb)
LANGUAGE plpgsql ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_incremental_sort = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  places tid[] := '{}';
BEGIN
  IF NOT queue_is_open(wanted_queue) THEN RETURN; END IF;
  IF wanted_oldest > 0 THEN
    places := ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY run_at, id LIMIT wanted_oldest FOR UPDATE SKIP LOCKED);
  END IF;
  IF wanted_oldest < wanted THEN
    places := places || ARRAY(SELECT ctid FROM job
      WHERE queue = wanted_queue AND state = 'queued' AND run_at <= now()
        AND task || '@' || task_version = ANY(task_keys) AND (expires_at IS NULL OR expires_at > now())
        AND ctid <> ALL(places)
      ORDER BY priority DESC, fair, run_at, id LIMIT wanted - wanted_oldest FOR UPDATE SKIP LOCKED);
  END IF;
  IF cardinality(places) = 0 THEN RETURN; END IF;
  RETURN QUERY WITH taken AS (
    UPDATE job SET state = 'running', fence = job.fence + 1, attempt = job.attempt + 1, worker_id = new_worker_id,
      lease_until = now() + lease_ms * interval '1 millisecond', claimed_at = now(),
      started_at = coalesce(job.started_at, now())
    WHERE job.ctid = ANY(places)
    RETURNING job.id, job.queue, job.task, job.task_version, job.owner, job.stream, job.attempt, job.max_attempts,
      job.fence, job.runs_alone, job.priority, job.limit_key, job.workflow_id,
      (extract(epoch FROM now() - greatest(job.run_at, job.created_at)) * 1000)::double precision AS wait_ms
  )
  SELECT taken.*, job_payload.trace_parent, job_payload.input
  FROM taken JOIN job_payload ON job_payload.job_id = taken.id;
END $$;

-- Runs of crews: what each was given, how far it is, what it came to, and the files that it wrote.
-- Locks: none that matter, the tables are new.
-- Indexes: crew_run_workspace and crew_run_workspace_crew for lists, crew_run_job to find the run of a job,
-- crew_run_finished for retention.

CREATE TABLE crew_run (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  person_id uuid NOT NULL REFERENCES person (id),
  crew text NOT NULL CHECK (length(crew) BETWEEN 1 AND 200),
  -- Of the crew's files when it began.
  fingerprint text NOT NULL,
  -- [{task, title, agent}] in the order of the file.
  tasks jsonb NOT NULL,
  inputs jsonb NOT NULL,
  -- No foreign key: jobs are purged earlier.
  job_id uuid NOT NULL,
  -- Where its events are numbered.
  stream text NOT NULL,
  replay_of uuid,
  replay_from text,
  -- Null until it has ended: then its job says how it stands.
  end_state text CHECK (end_state IN ('succeeded', 'failed', 'cancelled', 'expired')),
  -- {raw, json}
  result jsonb,
  error_code text,
  error_message text,
  -- {key, task, agent, output}: what a person was asked last.
  question jsonb,
  -- Of what is recorded. Null: a server did not say, so that the sum is unknown.
  model_calls integer NOT NULL DEFAULT 0,
  tool_calls integer NOT NULL DEFAULT 0,
  input_tokens bigint DEFAULT 0,
  output_tokens bigint DEFAULT 0,
  -- US dollars.
  cost numeric DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT crew_run_ended_has_time CHECK ((end_state IS NULL) = (finished_at IS NULL)),
  CONSTRAINT crew_run_succeeded_has_result CHECK (end_state IS DISTINCT FROM 'succeeded' OR result IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX crew_run_job ON crew_run (job_id);
CREATE INDEX crew_run_workspace ON crew_run (workspace_id, id DESC);
CREATE INDEX crew_run_workspace_crew ON crew_run (workspace_id, crew, id DESC);
CREATE INDEX crew_run_finished ON crew_run (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE crew_run_task (
  run_id uuid NOT NULL REFERENCES crew_run (id) ON DELETE CASCADE,
  -- Its key in tasks.yaml.
  task text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'done', 'skipped')),
  -- What it came to, whole: another run may begin after it.
  output jsonb,
  PRIMARY KEY (run_id, task),
  CONSTRAINT crew_run_task_ended_has_output CHECK ((state = 'running') = (output IS NULL))
);

CREATE TABLE crew_run_file (
  run_id uuid NOT NULL REFERENCES crew_run (id) ON DELETE CASCADE,
  path text NOT NULL CHECK (length(path) BETWEEN 1 AND 255),
  task text NOT NULL,
  content text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, path)
);

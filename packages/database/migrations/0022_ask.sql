-- Questions that people asked of their documents, and what was answered.
-- Locks: none that matter, the table is new.

CREATE TABLE question (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  person_id uuid NOT NULL REFERENCES person (id),
  question text NOT NULL CHECK (length(question) BETWEEN 1 AND 2000),
  -- Where to look: {"document_ids": […], "filters": {…}}, each null for everywhere.
  scope jsonb NOT NULL,
  -- Whether an answer to the same call of a model that is there already may not be taken.
  is_fresh boolean NOT NULL DEFAULT false,
  state text NOT NULL CHECK (state IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  outcome text CHECK (outcome IN ('answered', 'not_found')),
  answer text,
  -- What was written before the work failed or was cancelled: of an attempt, unchecked, never an answer.
  partial_answer text,
  -- Each with the quote as it stands in its passage, and where that is.
  citations jsonb NOT NULL DEFAULT '[]',
  -- Citations of the model that are not in the text.
  removed_citations integer NOT NULL DEFAULT 0 CHECK (removed_citations >= 0),
  -- The nearest passages, where nothing was found.
  nearest jsonb NOT NULL DEFAULT '[]',
  -- How many passages were read for it.
  passages_read integer,
  model text,
  extractive boolean NOT NULL DEFAULT false,
  -- Names and versions of the prompts that made it.
  prompts jsonb NOT NULL DEFAULT '[]',
  input_tokens bigint,
  output_tokens bigint,
  -- In US dollars; null when it is not known.
  cost numeric,
  error text,
  error_code text,
  -- The job that answers it. No foreign key: jobs are purged earlier.
  job_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT question_completed_has_answer
    CHECK ((state = 'completed') = (outcome IS NOT NULL) AND (state = 'completed') = (answer IS NOT NULL)),
  CONSTRAINT question_answer_has_citation CHECK (outcome IS DISTINCT FROM 'answered' OR citations <> '[]'),
  CONSTRAINT question_failed_has_error CHECK ((state = 'failed') = (error_code IS NOT NULL)),
  CONSTRAINT question_ended_has_time CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
-- Lists: newest first, by workspace.
CREATE INDEX question_workspace ON question (workspace_id, id DESC);

-- Texts that people had summarised, and what came of them.
-- Locks: none that matter, the table is new.

CREATE TABLE summary (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  person_id uuid NOT NULL REFERENCES person (id),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
  -- As it was cleaned when it was taken in.
  text text NOT NULL,
  -- In UTF-16 units, as JavaScript counts.
  text_length integer NOT NULL CHECK (text_length > 0),
  -- SHA-256 of the cleaned text, in hexadecimal.
  text_hash text NOT NULL CHECK (text_hash ~ '^[0-9a-f]{64}$'),
  -- The language asked for; null: that of the text.
  language text,
  -- The language of the text, once it is known to be one.
  text_language text,
  state text NOT NULL CHECK (state IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  -- Whether a summary that is there already may not be taken for it.
  is_fresh boolean NOT NULL DEFAULT false,
  -- Who makes it and how, from its start on: summaries of the same text, language and recipe are the same.
  recipe text,
  result text,
  model text,
  extractive boolean NOT NULL DEFAULT false,
  -- The share of the text that it is about.
  coverage double precision CHECK (coverage BETWEEN 0 AND 1),
  -- Names and versions of the prompts that made it.
  prompts jsonb NOT NULL DEFAULT '[]',
  input_tokens bigint,
  output_tokens bigint,
  -- In US dollars; null when it is not known.
  cost numeric,
  -- The summary that it was taken from. No foreign key: that one may be deleted.
  reused_from uuid,
  error text,
  error_code text,
  -- The job that makes it. No foreign key: jobs are purged earlier.
  job_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT summary_completed_has_result CHECK ((state = 'completed') = (result IS NOT NULL)),
  CONSTRAINT summary_failed_has_error CHECK ((state = 'failed') = (error_code IS NOT NULL)),
  CONSTRAINT summary_ended_has_time CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
-- Lists: newest first, by workspace.
CREATE INDEX summary_workspace ON summary (workspace_id, id DESC);
-- Another one of the same text, made or to be made.
CREATE INDEX summary_same_text ON summary (workspace_id, text_hash, id DESC) WHERE state IN ('queued', 'processing', 'completed');

-- Jobs that wait for a person or an outside event: what they ask.
-- Locks: none that matter, the table is new.

CREATE TABLE job_wait (
  job_id uuid NOT NULL,
  -- Of the step that the answer becomes: the answer itself is the output of that row of job_step.
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  question text NOT NULL,
  -- A JSON Schema that an answer must fit; null for any.
  schema jsonb,
  -- Why the last answer was refused by the job itself, which asks again.
  problem text,
  -- Taken as the answer when nobody gave one in time: {"value": …}. Null: the job expires then.
  answer_at_expiry jsonb,
  asked_at timestamptz NOT NULL DEFAULT now(),
  answered_at timestamptz,
  answered_by text,
  PRIMARY KEY (job_id, key),
  CHECK ((answered_at IS NULL) = (answered_by IS NULL))
);

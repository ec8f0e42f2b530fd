-- A part of a document's analysis that is made again by a model of one's choice: what was there before stays
-- until the new result is stored, or for good when that fails.
-- Locks: none that matter, the table is new.

CREATE TABLE document_part_rerun (
  document_id uuid NOT NULL,
  part text NOT NULL,
  -- The job that makes it. No foreign key: jobs are purged earlier.
  job_id uuid NOT NULL,
  -- The model that was asked for; null for the one that is set up for it.
  model text,
  -- There is no row when it has succeeded or was cancelled.
  state text NOT NULL CHECK (state IN ('running', 'failed')),
  reason text,
  error_code text,
  started_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (document_id, part),
  FOREIGN KEY (document_id, part) REFERENCES document_part (document_id, part) ON DELETE CASCADE
);

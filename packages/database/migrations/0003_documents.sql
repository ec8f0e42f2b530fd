-- Documents, their text and the four parts of their analysis.
-- Locks: none that matter, the tables are new.

CREATE TABLE document (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  person_id uuid NOT NULL REFERENCES person (id),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
  file_name text,
  file_type text CHECK (file_type IN ('pdf', 'docx', 'html', 'markdown', 'text')),
  file_size bigint NOT NULL CHECK (file_size >= 0),
  -- SHA-256 of the bytes, in hexadecimal.
  content_hash text NOT NULL,
  -- Where the file store keeps the bytes; null for pasted text, which is its own source.
  file_key text,
  status text NOT NULL CHECK (status IN ('uploaded', 'processing', 'completed', 'partial', 'failed', 'cancelled')),
  language text,
  page_count integer,
  text_length integer,
  extraction_method text,
  warnings jsonb NOT NULL DEFAULT '[]',
  processing_error text,
  processing_error_code text,
  processing_started_at timestamptz,
  processing_completed_at timestamptz,
  -- When its passages could be searched; null until then and while it is done again.
  indexed_at timestamptz,
  -- The job that works, or last worked, on it. No foreign key: jobs are purged earlier.
  job_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
-- Lists: newest first, by workspace, by status.
CREATE INDEX document_workspace ON document (workspace_id, id DESC);
CREATE INDEX document_workspace_status ON document (workspace_id, status, id DESC);
-- Whether a file of the store still belongs to a document.
CREATE INDEX document_file_key ON document (file_key) WHERE file_key IS NOT NULL;

CREATE TABLE document_text (
  document_id uuid PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
  text text NOT NULL,
  -- Whether characters outside the basic plane are in it: then PostgreSQL counts other offsets than
  -- JavaScript, and pieces are cut there.
  has_pairs boolean NOT NULL DEFAULT true,
  -- [{page, charStart, charEnd}], empty when the format has no pages.
  pages jsonb NOT NULL DEFAULT '[]'
);

CREATE TABLE document_part (
  document_id uuid NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  part text NOT NULL CHECK (part IN ('summary', 'key_points', 'sentiment', 'topics')),
  state text NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed', 'unavailable')),
  result jsonb,
  reason text,
  error_code text,
  model text,
  extractive boolean NOT NULL DEFAULT false,
  input_tokens integer,
  output_tokens integer,
  started_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (document_id, part),
  CONSTRAINT document_part_done_has_result CHECK ((state = 'done') = (result IS NOT NULL))
);

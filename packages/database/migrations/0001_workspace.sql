-- Who owns things, from the first row on. Before accounts exist there is one workspace and one
-- person, both called "local"; the first administrator takes them over.
-- Locks: none that matter, the tables are new.

CREATE EXTENSION IF NOT EXISTS vector;

-- Which database this is, so that files of another one are never tidied away. One row.
CREATE TABLE installation (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE workspace (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE person (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO workspace (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'local');
INSERT INTO person (id, name) VALUES ('00000000-0000-7000-8000-000000000002', 'local');

-- What a request with an Idempotency-Key was answered, written with the rows it made.
CREATE TABLE idempotency_key (
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  person_id uuid NOT NULL REFERENCES person (id),
  route text NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint text NOT NULL,
  status integer NOT NULL,
  headers jsonb NOT NULL,
  body jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, person_id, route, key)
);
-- For the retention of 24 hours.
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);

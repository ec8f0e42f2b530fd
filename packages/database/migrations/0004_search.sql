-- What search reads: sources cut into chunks, their full text, and their vectors by model.
-- Locks: none that matter, the tables are new.

CREATE TABLE search_source (
  -- The document's id. No foreign key: search does not know who feeds it.
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  -- The text search configuration of its language, such as english or simple.
  configuration text NOT NULL,
  chunk_count integer NOT NULL,
  indexed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX search_source_workspace ON search_source (workspace_id, configuration);

CREATE TABLE chunk (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  source_id uuid NOT NULL REFERENCES search_source (id) ON DELETE CASCADE,
  ordinal integer NOT NULL,
  char_start integer NOT NULL,
  char_end integer NOT NULL,
  page integer,
  text text NOT NULL,
  token_count integer NOT NULL,
  content_hash text NOT NULL,
  -- Words as written and as stems of the source's language.
  words tsvector NOT NULL,
  UNIQUE (source_id, ordinal)
);
CREATE INDEX chunk_words ON chunk USING gin (words);

-- One per embedding model and its dimensions: vectors of different spaces are never compared.
CREATE TABLE embedding_space (
  id uuid PRIMARY KEY,
  model text NOT NULL,
  dimensions integer NOT NULL CHECK (dimensions > 0),
  status text NOT NULL CHECK (status IN ('building', 'active', 'retired')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (model, dimensions)
);

CREATE TABLE chunk_embedding (
  space_id uuid NOT NULL REFERENCES embedding_space (id),
  chunk_id uuid NOT NULL REFERENCES chunk (id) ON DELETE CASCADE,
  embedding vector NOT NULL,
  PRIMARY KEY (space_id, chunk_id)
);
CREATE INDEX chunk_embedding_chunk ON chunk_embedding (chunk_id);

-- Summaries find those of nearly the same text, and a webhook that is gone is not called again.
-- Locks: summary, for a column without a default; the table is new.
-- Indexes: summary_vector answers which summaries of one owner, recipe and embedding model are near a text.

-- The vector of the text as it is compared, and who made it; null: of a text summarised before, or one that no
-- model read.
ALTER TABLE summary
  ADD COLUMN vector vector,
  ADD COLUMN vector_model text,
  -- How much of the text agrees with that of the summary it was taken from.
  ADD COLUMN reused_score double precision CHECK (reused_score BETWEEN 0 AND 1);
CREATE INDEX summary_vector ON summary (workspace_id, vector_model, id DESC)
  WHERE state = 'completed' AND reused_from IS NULL AND vector IS NOT NULL;

-- Addresses that answered 410 Gone, by their SHA-256: they may hold a secret.
CREATE TABLE gone_webhook (
  url_hash text PRIMARY KEY CHECK (url_hash ~ '^[0-9a-f]{64}$'),
  gone_at timestamptz NOT NULL DEFAULT now()
);

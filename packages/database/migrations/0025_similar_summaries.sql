-- Summaries find those of nearly the same text and are found by their words; a webhook that is gone is not called
-- again.
-- Locks: summary, while the index of words is built over the texts there are.
-- Indexes: summary_similar answers which summaries of one owner and space can be near a text, newest first;
-- summary_words which summaries have some words. The beginning of a text is enough to find it again, and all of a
-- long one would be more than a tsvector holds.

ALTER TABLE summary
  -- Of the text as it is compared; null for those summarised before, and where no model read it.
  ADD COLUMN text_vector vector,
  -- Who made it: vectors of two models say nothing of each other.
  ADD COLUMN vector_space text,
  -- How much the text agrees with that of the summary it was taken from; null: all of it.
  ADD COLUMN reused_score double precision CHECK (reused_score BETWEEN 0 AND 1),
  ADD CONSTRAINT summary_vector_has_space CHECK ((text_vector IS NULL) = (vector_space IS NULL));
CREATE INDEX summary_similar ON summary (workspace_id, vector_space, id DESC)
  WHERE state = 'completed' AND reused_from IS NULL AND text_vector IS NOT NULL;
CREATE INDEX summary_words ON summary
  USING gin (to_tsvector('simple', title || ' ' || coalesce(result, '') || ' ' || left(text, 100000)));

-- Addresses that answered 410 Gone, by their SHA-256: they may hold a secret.
CREATE TABLE gone_webhook (
  url_hash text PRIMARY KEY CHECK (url_hash ~ '^[0-9a-f]{64}$'),
  gone_at timestamptz NOT NULL DEFAULT now()
);

-- breaking: older servers search in every space, and store vectors where nobody looks for them.
-- One space of vectors answers queries, at most one is being filled, and the others wait to be dropped.
-- Locks: embedding_space, while the vectors are counted once to see which space stays.
-- Indexes: the two for one active and one building space are what makes the switch safe.

ALTER TABLE embedding_space
  -- Raised by people when the model behind a name changes.
  ADD COLUMN revision text NOT NULL DEFAULT '',
  ADD COLUMN is_built_in boolean NOT NULL DEFAULT false,
  -- When processes began to want it; of those that are wanted the latest wins.
  ADD COLUMN chosen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When a process last said that it is what its settings mean.
  ADD COLUMN seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD COLUMN activated_at timestamptz,
  ADD COLUMN retired_at timestamptz,
  ADD COLUMN paused_at timestamptz,
  -- Filling it: how far it has come through the passages, and since when without a pause.
  ADD COLUMN last_chunk_id uuid,
  ADD COLUMN passages_done bigint NOT NULL DEFAULT 0,
  ADD COLUMN passages_total bigint NOT NULL DEFAULT 0,
  ADD COLUMN tokens_total bigint NOT NULL DEFAULT 0,
  ADD COLUMN run_began_at timestamptz,
  ADD COLUMN run_began_done bigint NOT NULL DEFAULT 0,
  ADD COLUMN error_code text,
  ADD COLUMN error_message text,
  -- Null until the first vectors came.
  ALTER COLUMN dimensions DROP NOT NULL,
  DROP CONSTRAINT embedding_space_model_dimensions_key;

UPDATE embedding_space SET chosen_at = created_at, seen_at = created_at, is_built_in = model LIKE 'builtin:%';

WITH largest AS (
  SELECT embedding_space.id FROM embedding_space LEFT JOIN chunk_embedding ON space_id = embedding_space.id
  WHERE status = 'active' GROUP BY embedding_space.id
  ORDER BY count(space_id) DESC, created_at DESC LIMIT 1)
UPDATE embedding_space SET
  status = CASE WHEN id IN (SELECT id FROM largest) THEN 'active' ELSE 'retired' END,
  activated_at = CASE WHEN id IN (SELECT id FROM largest) THEN created_at END,
  retired_at = CASE WHEN id IN (SELECT id FROM largest) THEN NULL ELSE clock_timestamp() END;

ALTER TABLE embedding_space ADD CONSTRAINT embedding_space_retired_check
  CHECK ((status = 'retired') = (retired_at IS NOT NULL));

CREATE UNIQUE INDEX embedding_space_identity ON embedding_space (model, revision, dimensions) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX embedding_space_one_active ON embedding_space (status) WHERE status = 'active';
CREATE UNIQUE INDEX embedding_space_one_building ON embedding_space (status) WHERE status = 'building';

-- breaking: older servers store vectors without their owner, which nobody would find.
-- Hybrid search: the section of a passage, and vectors that know whose they are, so that the owner's
-- filter is in the scan of the vectors itself.
-- Locks: chunk and chunk_embedding, while every stored vector is written once.
-- Indexes: chunk_embedding_owner answers an exact scan of one owner, and of one of his documents. The
-- approximate index of each space is made by upkeep, where it is of use, and dropped with it.

-- The headings above the passage, outermost first, joined by " › ".
ALTER TABLE chunk ADD COLUMN section text;

ALTER TABLE chunk_embedding ADD COLUMN workspace_id uuid, ADD COLUMN source_id uuid;
UPDATE chunk_embedding SET workspace_id = chunk.workspace_id, source_id = chunk.source_id
FROM chunk WHERE chunk.id = chunk_id;
ALTER TABLE chunk_embedding ALTER COLUMN workspace_id SET NOT NULL, ALTER COLUMN source_id SET NOT NULL;
CREATE INDEX chunk_embedding_owner ON chunk_embedding (space_id, workspace_id, source_id);

-- When a query found the space's approximate index broken: from then on nobody uses it until it is made anew.
ALTER TABLE embedding_space ADD COLUMN index_broken_at timestamptz;

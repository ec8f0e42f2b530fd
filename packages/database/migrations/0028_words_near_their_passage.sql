-- Ranking reads the words of up to a thousand passages: they are kept in the row of the passage, and packed by what
-- unpacks them several times as fast, where the server has it. Passages that are stored from now on.
-- Locks: chunk, for a moment.

ALTER TABLE chunk SET (toast_tuple_target = 8160);
DO $$ BEGIN
  ALTER TABLE chunk ALTER COLUMN words SET COMPRESSION lz4, ALTER COLUMN text SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL; -- As in the embedded database.
END $$;

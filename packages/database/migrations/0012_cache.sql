-- Values that application code keeps for a while, where there is no Redis: everything in it can be lost.
-- Locks: none that matter, the table is new.

-- Unlogged: a crash of the server empties it, which costs its users the time to compute again, and writes to
-- it cost no write-ahead log.
CREATE UNLOGGED TABLE cache_entry (
  key text PRIMARY KEY,
  -- JSON text; null while the first value is being computed.
  value text,
  bytes integer NOT NULL DEFAULT 0,
  -- Until when the value is given out.
  fresh_until timestamptz NOT NULL,
  tags text[] NOT NULL DEFAULT '{}',
  -- Who computes the next value, and until when others leave that to them.
  lock_token uuid,
  lock_until timestamptz,
  -- When nobody needs the row any more.
  expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE INDEX cache_entry_expires_at ON cache_entry (expires_at);
-- Entries without tags, which most are, cost nothing here.
CREATE INDEX cache_entry_tags ON cache_entry USING gin (tags) WHERE tags <> '{}';

-- Sessions of browsers that were signed out before their time, so that every API process refuses them, also after a
-- restart. A session itself is a signed cookie and stands nowhere.
-- Locks: none.
-- Indexes: ended_session_when answers which sessions were signed out lately.

CREATE TABLE ended_session (
  id text PRIMARY KEY CHECK (id ~ '^[\w-]{22}$'),
  -- When it would have ended by itself: until then it is refused by this row.
  ends_at timestamptz NOT NULL,
  signed_out_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ended_session_when ON ended_session (signed_out_at);

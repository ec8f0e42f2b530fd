-- When a worker last could do what one does for all, so that the first of those that can does it; and how its
-- broker stands.
-- Locks: worker, for a moment: a default that is the same for all rows rewrites nothing.

ALTER TABLE worker ADD COLUMN upkeep_at timestamptz NOT NULL DEFAULT now();

-- What its broker says of itself: kind, isHearing, isTelling, trouble. Null before its first beat.
ALTER TABLE worker ADD COLUMN broker jsonb;

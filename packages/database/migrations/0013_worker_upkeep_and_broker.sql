-- When a worker last could do what one worker does for all: the first of those that can does it.
ALTER TABLE worker ADD COLUMN upkeep_at timestamptz NOT NULL DEFAULT now();

-- What its broker says of itself: kind, isHearing, isTelling, trouble. Null before its first beat.
ALTER TABLE worker ADD COLUMN broker jsonb;

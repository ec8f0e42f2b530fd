-- A request that comes again under its idempotency key or id is known although its job has forgotten a part of its input.
-- Locks: job_payload, for a moment.

-- The fields of the input that were there and were taken out of it; their values are known to nobody.
ALTER TABLE job_payload ADD COLUMN forgotten text[];

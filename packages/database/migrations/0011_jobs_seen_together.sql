-- Indexes for people who look at many jobs at once: those that did not succeed, and those with a tag.
-- Locks: writes of job and job_payload wait while the indexes are built.

-- Few rows: a job that succeeds is never in it. For lists, groups of failures, and retries of many.
CREATE INDEX job_unsuccessful ON job (state, id) WHERE state IN ('failed', 'cancelled', 'expired');

-- Jobs without tags, which most are, cost nothing here.
CREATE INDEX job_payload_tags ON job_payload USING gin (tags) WHERE tags <> '{}';

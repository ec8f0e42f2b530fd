-- Lists of the jobs of one state find them also while they wait: they are few beside those that are queued or have
-- succeeded.
-- Locks: job, while the index is built: its readers wait too.
-- Indexes: job_by_state in the place of job_unsuccessful, so that a claim and an end still ask one condition, and find
-- sooner that it is not so: a job that is queued, runs and succeeds is never in it.

DROP INDEX job_unsuccessful;
CREATE INDEX job_by_state ON job (state, id) WHERE state NOT IN ('queued', 'running', 'succeeded');

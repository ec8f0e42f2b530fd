-- What steps pay for, with nothing that would hide a double.
CREATE TABLE chaos_ledger (
  job_id uuid NOT NULL,
  step text NOT NULL,
  fence bigint NOT NULL
);

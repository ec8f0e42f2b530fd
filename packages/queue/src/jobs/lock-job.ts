import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { LockedJob, LockedRow } from "./job-row.ts";

type Held = { readonly id: string; readonly fence: number };

const lockedColumns = sql`
  job.id, job.queue, job.task, job.task_version, job.owner, job.stream, job.state,
  job.attempt, job.max_attempts, job.retries, job.fence, job.crash_count, job.runs_alone, job.workflow_id,
  job.cancel_requested_at IS NOT NULL AS is_cancel_requested,
  (extract(epoch FROM now() - job.claimed_at) * 1000)::double precision AS run_ms`;

/** A job with its input, which is large: for those who may end the job. */
const selectJob = sql`
  SELECT ${lockedColumns}, job_payload.input FROM job JOIN job_payload ON job_payload.job_id = job.id`;

/**
 * Locks a job's row until the transaction ends. Lock order everywhere: job, then the domain's rows,
 * then event streams.
 */
export async function lockJob(transaction: Transaction, id: string): Promise<LockedJob | undefined> {
  const found = await sql<LockedJob>`${selectJob} WHERE job.id = ${id} FOR UPDATE OF job`.execute(
    transaction,
  );
  return found.rows[0];
}

/**
 * The same for several, in the order of their ids. Those that there are not, or of which `condition` is not
 * true, are left out.
 */
export async function lockJobs(
  transaction: Transaction,
  ids: readonly string[],
  condition: RawBuilder<unknown> = sql`true`,
): Promise<LockedJob[]> {
  const found = await sql<LockedJob>`
    ${selectJob} WHERE job.id = ANY(${[...ids]}::uuid[]) AND (${condition}) ORDER BY job.id FOR UPDATE OF job`.execute(
    transaction,
  );
  return found.rows;
}

/** The same for any number of jobs, without their inputs: they would fill the memory. */
export async function lockRows(transaction: Transaction, ids: readonly string[]): Promise<LockedRow[]> {
  const found = await sql<LockedRow>`
    SELECT ${lockedColumns} FROM job WHERE id = ANY(${[...ids]}::uuid[]) ORDER BY id FOR UPDATE`.execute(
    transaction,
  );
  return found.rows;
}

/** What jobs were given, by their ids. */
export async function readInputs(
  transaction: Transaction,
  ids: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  if (ids.length === 0) return new Map();
  const found = await sql<{ job_id: string; input: unknown }>`
    SELECT job_id, input FROM job_payload WHERE job_id = ANY(${[...ids]}::uuid[])`.execute(transaction);
  return new Map(found.rows.map((row) => [row.job_id, row.input]));
}

/**
 * The same for upkeep, which must not wait for one row: undefined also when another transaction
 * holds the row, or when `condition` is not true of the row as it is now.
 */
export async function lockFreeJob(
  transaction: Transaction,
  id: string,
  condition: RawBuilder<unknown>,
): Promise<LockedJob | undefined> {
  const found = await sql<LockedJob>`
    ${selectJob} WHERE job.id = ${id} AND (${condition}) FOR UPDATE OF job SKIP LOCKED`.execute(transaction);
  return found.rows[0];
}

/** The same for several, in the order of their ids. */
export async function lockFreeJobs(
  transaction: Transaction,
  ids: readonly string[],
  condition: RawBuilder<unknown>,
): Promise<LockedJob[]> {
  const free = await sql<{ id: string }>`
    SELECT id FROM job WHERE id = ANY(${[...ids]}::uuid[]) AND (${condition})
    ORDER BY id FOR UPDATE SKIP LOCKED`.execute(transaction);
  if (free.rows.length === 0) return [];
  return await lockJobs(
    transaction,
    free.rows.map(({ id }) => id),
  );
}

/** Locks a job only if this claim still holds it; undefined means: write nothing. */
export async function lockHeldJob(transaction: Transaction, held: Held): Promise<LockedJob | undefined> {
  const found = await sql<LockedJob>`
    ${selectJob} WHERE job.id = ${held.id} AND job.fence = ${held.fence} AND job.state = 'running'
    FOR UPDATE OF job`.execute(transaction);
  return found.rows[0];
}

/** The same for those who will not end the job: without reading its input. */
export async function lockHeldRow(
  transaction: Transaction,
  held: Held,
): Promise<Pick<LockedJob, "is_cancel_requested"> | undefined> {
  const found = await sql<{ is_cancel_requested: boolean }>`
    SELECT cancel_requested_at IS NOT NULL AS is_cancel_requested FROM job
    WHERE id = ${held.id} AND fence = ${held.fence} AND state = 'running' FOR UPDATE`.execute(transaction);
  return found.rows[0];
}

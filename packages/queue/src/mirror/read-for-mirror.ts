import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { jobColumns, maxSeenBytes } from "../jobs/find-jobs.ts";
import type { AttemptRecord, JobDetailRecord, JobRecord, StepRecord } from "../jobs/find-jobs.ts";

/** A job as the database has it, with what orders copies of it. */
export type JobForMirror = {
  readonly job: JobRecord;
  readonly detail: JobDetailRecord;
  readonly fence: number;
  readonly eventSeq: number;
  readonly readAtMicros: number;
  /** Until the row and all of it may be deleted; null while that is not known. */
  readonly purgeInMs: number | null;
};

type Row = JobRecord & {
  readonly fence: number;
  readonly event_seq: number;
  readonly read_at_micros: number;
  readonly purge_in_ms: number | null;
};

type PayloadRow = Pick<JobDetailRecord, "input" | "output" | "meta" | "tags" | "trace_parent"> & {
  readonly job_id: string;
  readonly is_input_large: boolean;
  readonly is_output_large: boolean;
};

/** Jobs with more than this are left to the database: a copy would be long, and is seldom asked for. */
const maxSteps = 200;

/**
 * Many jobs as `findJobs` and `readJobDetail` give one, by their keys, with four statements. Those that are gone
 * and those with more than 200 steps are left out. The rows are read first, so that what else is read is never
 * of before them.
 */
export async function readForMirror(queryable: Queryable, ids: readonly string[]): Promise<JobForMirror[]> {
  const wanted = [...ids];
  const found = await sql<Row>`
    SELECT job.fence, job.event_seq,
      extract(epoch FROM clock_timestamp())::double precision * 1000000 AS read_at_micros,
      extract(epoch FROM job.purge_at - clock_timestamp())::double precision * 1000 AS purge_in_ms, ${jobColumns}
    WHERE job.id = ANY(${wanted}::uuid[])`.execute(queryable);
  if (found.rows.length === 0) return [];
  const payloads = await readPayloads(queryable, wanted);
  const attempts = await readAttempts(queryable, wanted);
  const steps = await readSteps(queryable, wanted);
  return found.rows.flatMap(({ fence, event_seq, read_at_micros, purge_in_ms, ...job }): JobForMirror[] => {
    const payload = payloads.get(job.id);
    const ownSteps = steps.get(job.id) ?? [];
    if (payload === undefined || ownSteps.length > maxSteps) return [];
    const { job_id: _, is_input_large, is_output_large, ...seen } = payload;
    const omitted = [
      ...(is_input_large ? (["input"] as const) : []),
      ...(is_output_large ? (["output"] as const) : []),
    ];
    const detail = { ...seen, omitted, attempts: attempts.get(job.id) ?? [], steps: ownSteps };
    return [
      { job, detail, fence, eventSeq: event_seq, readAtMicros: read_at_micros, purgeInMs: purge_in_ms },
    ];
  });
}

async function readPayloads(
  queryable: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PayloadRow>> {
  const isLarge = (value: string) =>
    sql`coalesce(octet_length(${sql.ref(value)}::text) > ${maxSeenBytes}, false)`;
  const found = await sql<PayloadRow>`
    SELECT job_id, CASE WHEN NOT is_input_large THEN input END AS input,
           CASE WHEN NOT is_output_large THEN output END AS output,
           is_input_large, is_output_large, meta, tags, trace_parent
    FROM (
      SELECT job.id AS job_id, payload.input, payload.meta, payload.tags, payload.trace_parent, job.output,
             ${isLarge("payload.input")} AS is_input_large, ${isLarge("job.output")} AS is_output_large
      FROM job JOIN job_payload payload ON payload.job_id = job.id WHERE job.id = ANY(${[...ids]}::uuid[])
    ) AS found`.execute(queryable);
  return new Map(found.rows.map((row) => [row.job_id, row]));
}

async function readAttempts(
  queryable: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, AttemptRecord[]>> {
  const found = await sql<AttemptRecord & { job_id: string }>`
    SELECT given.id AS job_id, tries.attempt, tries.worker_name, tries.started_at, tries.finished_at,
           tries.outcome, tries.error_code, tries.error_message
    FROM unnest(${[...ids]}::uuid[]) AS given (id) CROSS JOIN LATERAL (
      SELECT fence, attempt, worker_name, started_at, finished_at, outcome, error_code, error_message
      FROM ended_attempt WHERE job_id = given.id
      UNION ALL
      SELECT fence, attempt, coalesce(worker.name, 'unknown'), claimed_at, NULL, NULL, NULL, NULL
      FROM job LEFT JOIN worker ON worker.id = job.worker_id WHERE job.id = given.id AND job.state = 'running'
      ORDER BY fence DESC LIMIT 100) AS tries
    ORDER BY given.id, tries.fence DESC`.execute(queryable);
  return grouped(found.rows);
}

async function readSteps(
  queryable: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StepRecord[]>> {
  const found = await sql<StepRecord & { job_id: string }>`
    SELECT given.id AS job_id, step.key, step.state, step.starts, step.started_at, step.finished_at
    FROM unnest(${[...ids]}::uuid[]) AS given (id) CROSS JOIN LATERAL (
      SELECT key, state, starts, started_at, finished_at FROM job_step WHERE job_id = given.id
      ORDER BY started_at, key LIMIT ${maxSteps + 1}) AS step
    ORDER BY given.id, step.started_at, step.key`.execute(queryable);
  return grouped(found.rows);
}

function grouped<Row extends { readonly job_id: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, Omit<Row, "job_id">[]> {
  const groups = new Map<string, Omit<Row, "job_id">[]>();
  for (const { job_id, ...row } of rows) {
    const group = groups.get(job_id);
    if (group === undefined) groups.set(job_id, [row]);
    else group.push(row);
  }
  return groups;
}

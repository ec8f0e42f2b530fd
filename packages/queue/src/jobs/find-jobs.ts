import type { AttemptOutcome, JobState } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

export type JobRecord = {
  readonly id: string;
  readonly task: string;
  readonly task_version: number;
  readonly queue: string;
  readonly owner: string | null;
  readonly stream: string;
  readonly state: JobState;
  readonly reason: string | null;
  readonly priority: number;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly crash_count: number;
  readonly run_at: Date;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  /** The job that it is a part of. */
  readonly parent_id: string | null;
  /** The workflow that it is a member of. */
  readonly workflow_id: string | null;
  readonly is_cancel_requested: boolean;
  readonly percent: number | null;
  readonly stage: string | null;
  readonly message: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly unit: string | null;
  readonly eta_seconds: number | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  /** Why it is not worked on until `run_at`, once it has been begun. */
  readonly put_off: PutOffRecord | null;
  /** What it asks while it waits. */
  readonly waiting_for: WaitingForRecord | null;
};

export type PutOffRecord = {
  readonly code: string;
  readonly message: string | null;
  /** Null when nothing failed. */
  readonly failed_attempt: number | null;
};

/** Times are as JSON has them. */
export type WaitingForRecord = {
  readonly key: string;
  readonly question: string;
  readonly schema: Readonly<Record<string, unknown>> | null;
  readonly problem: string | null;
  readonly since: string;
  readonly expires_at: string | null;
};

export type JobDetailRecord = {
  /** Null when it is omitted, as the output. */
  readonly input: unknown;
  readonly output: unknown;
  /** Which of the two are left out because they are large: `readPayload` has them. */
  readonly omitted: readonly ("input" | "output")[];
  readonly meta: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** W3C trace context that came with it. */
  readonly trace_parent: string | null;
  readonly attempts: readonly AttemptRecord[];
  readonly steps: readonly StepRecord[];
};

type PayloadRow = Pick<JobDetailRecord, "input" | "output" | "meta" | "tags" | "trace_parent"> & {
  readonly is_input_large: boolean;
  readonly is_output_large: boolean;
};

/** Bytes of JSON that everybody who looks at a job is sent. */
export const maxSeenBytes = 65_536;

export type AttemptRecord = {
  readonly attempt: number;
  readonly worker_name: string;
  readonly started_at: Date;
  readonly finished_at: Date | null;
  readonly outcome: AttemptOutcome | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
};

export type StepRecord = {
  readonly key: string;
  readonly state: "started" | "done";
  /** How often it was started: more than once means that its process died in the middle. */
  readonly starts: number;
  readonly started_at: Date;
  readonly finished_at: Date | null;
};

export type LogRecord = {
  readonly id: string;
  readonly job_id: string;
  readonly level: "debug" | "info" | "warning" | "error";
  readonly step: string | null;
  readonly message: string;
  readonly created_at: Date;
};

/** Of `job`, with its progress, for a JobRecord: with the FROM, which may be joined further. */
export const jobColumns = sql`
  job.id, job.task, job.task_version, job.queue, job.owner, job.stream, job.state, job.reason, job.priority, job.attempt,
  job.max_attempts, job.crash_count, job.run_at, job.created_at, job.started_at, job.finished_at,
  job.parent_id, job.workflow_id,
  job.cancel_requested_at IS NOT NULL AS is_cancel_requested,
  progress.percent, progress.stage, progress.message, progress.done, progress.total, progress.unit,
  progress.eta_seconds, job.error_code, job.error_message,
  CASE WHEN job.state = 'scheduled' AND job.reason IN ('snooze', 'retry') THEN (
    SELECT jsonb_build_object('code', error_code, 'message', error_message,
                              'failed_attempt', CASE WHEN job.reason = 'retry' THEN last.attempt END)
    FROM (SELECT attempt, error_code, error_message FROM job_attempt
          WHERE job_id = job.id ORDER BY fence DESC LIMIT 1) AS last
    WHERE error_code IS NOT NULL) END AS put_off,
  CASE WHEN job.state = 'waiting' THEN (
    SELECT jsonb_build_object('key', key, 'question', question, 'schema', schema, 'problem', problem, 'since', asked_at,
                              'expires_at', job.expires_at)
    FROM job_wait WHERE job_wait.job_id = job.id AND answered_at IS NULL) END AS waiting_for
  FROM job LEFT JOIN job_progress progress ON progress.job_id = job.id`;

/** Jobs by id, in no particular order; unknown ids are left out. */
export async function findJobs(queryable: Queryable, ids: readonly string[]): Promise<JobRecord[]> {
  if (ids.length === 0) return [];
  const found = await sql<JobRecord>`SELECT ${jobColumns} WHERE job.id = ANY(${[...ids]}::uuid[])`.execute(
    queryable,
  );
  return found.rows;
}

/** What a job was given, gave, and went through: attempts newest first, steps in order. */
export async function readJobDetail(queryable: Queryable, id: string): Promise<JobDetailRecord> {
  const isLarge = (value: string) =>
    sql`coalesce(octet_length(${sql.ref(value)}::text) > ${maxSeenBytes}, false)`;
  const payload = await sql<PayloadRow>`
    SELECT CASE WHEN NOT is_input_large THEN input END AS input, CASE WHEN NOT is_output_large THEN output END AS output,
           is_input_large, is_output_large, meta, tags, trace_parent
    FROM (
      SELECT payload.input, payload.meta, payload.tags, payload.trace_parent, job.output,
             ${isLarge("payload.input")} AS is_input_large, ${isLarge("job.output")} AS is_output_large
      FROM job_payload payload JOIN job ON job.id = payload.job_id WHERE job.id = ${id}
    ) AS found`.execute(queryable);
  const [seen] = payload.rows;
  const attempts = await sql<AttemptRecord>`
    SELECT attempt, worker_name, started_at, finished_at, outcome, error_code, error_message FROM (
      SELECT fence, attempt, worker_name, started_at, finished_at, outcome, error_code, error_message
      FROM ended_attempt WHERE job_id = ${id}
      UNION ALL
      SELECT fence, attempt, coalesce(worker.name, 'unknown'), claimed_at, NULL, NULL, NULL, NULL
      FROM job LEFT JOIN worker ON worker.id = job.worker_id WHERE job.id = ${id} AND job.state = 'running'
    ) AS tries ORDER BY fence DESC LIMIT 100`.execute(queryable);
  const steps = await sql<StepRecord>`
    SELECT key, state, starts, started_at, finished_at FROM job_step
    WHERE job_id = ${id} ORDER BY started_at, key LIMIT 1000`.execute(queryable);
  return {
    input: seen?.input ?? null,
    output: seen?.output ?? null,
    omitted: [
      ...(seen?.is_input_large === true ? (["input"] as const) : []),
      ...(seen?.is_output_large === true ? (["output"] as const) : []),
    ],
    meta: seen?.meta ?? {},
    tags: seen?.tags ?? [],
    trace_parent: seen?.trace_parent ?? null,
    attempts: attempts.rows,
    steps: steps.rows,
  };
}

/** What a job was given and gave, however large; undefined when there is no such job. */
export async function readPayload(
  queryable: Queryable,
  id: string,
): Promise<{ readonly input: unknown; readonly output: unknown } | undefined> {
  const found = await sql<{ input: unknown; output: unknown }>`
    SELECT payload.input, job.output FROM job JOIN job_payload payload ON payload.job_id = job.id
    WHERE job.id = ${id}`.execute(queryable);
  return found.rows[0];
}

/** Log lines of jobs, newest first. */
export async function listLog(
  queryable: Queryable,
  filter: {
    readonly jobIds: readonly string[];
    readonly before?: string | undefined;
    readonly limit: number;
  },
): Promise<LogRecord[]> {
  const found = await sql<LogRecord>`
    SELECT id, job_id, level, step, message, created_at FROM job_log
    WHERE job_id = ANY(${[...filter.jobIds]}::uuid[])
      AND (${filter.before ?? null}::uuid IS NULL OR id < ${filter.before ?? null}::uuid)
    ORDER BY id DESC LIMIT ${filter.limit}`.execute(queryable);
  return found.rows;
}

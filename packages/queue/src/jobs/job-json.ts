import type { FailureGroup, Job, JobDetail, JobResult, LogLine, Progress } from "@millrace/contracts";
import type { JobDetailRecord, JobRecord, LogRecord } from "./find-jobs.ts";
import type { FailureGroupRecord } from "./group-failures.ts";

/** A job as the API shows it. */
export function toJob(record: JobRecord): Job {
  return {
    id: record.id,
    task: record.task,
    queue: record.queue,
    state: record.state,
    display_state: displayState(record),
    reason: record.reason,
    priority: record.priority,
    attempt: record.attempt,
    max_attempts: record.max_attempts,
    crash_count: record.crash_count,
    run_at: record.run_at.toISOString(),
    created_at: record.created_at.toISOString(),
    started_at: record.started_at?.toISOString() ?? null,
    finished_at: record.finished_at?.toISOString() ?? null,
    parent_id: record.parent_id,
    workflow_id: record.workflow_id,
    progress: toProgress(record),
    error:
      record.error_code === null
        ? null
        : { code: record.error_code, message: record.error_message ?? record.error_code },
    put_off:
      record.put_off === null
        ? null
        : {
            ...record.put_off,
            message: record.put_off.message ?? record.put_off.code,
            until: record.run_at.toISOString(),
          },
    waiting_for:
      record.waiting_for === null
        ? null
        : {
            ...record.waiting_for,
            since: rfc3339(record.waiting_for.since),
            expires_at:
              record.waiting_for.expires_at === null ? null : rfc3339(record.waiting_for.expires_at),
          },
    links: {
      self: `/api/jobs/${record.id}`,
      events: `/api/jobs/${record.id}/events`,
      cancel: `/api/jobs/${record.id}/cancel`,
      retry: `/api/jobs/${record.id}/retry`,
      answer: `/api/jobs/${record.id}/answer`,
    },
  };
}

/** PostgreSQL writes moments in JSON with an offset and microseconds. */
function rfc3339(written: string): string {
  return new Date(written).toISOString();
}

function displayState(record: JobRecord): Job["display_state"] {
  if (record.state === "scheduled" && record.reason === "retry") return "retrying";
  if (record.state === "running" && record.is_cancel_requested) return "cancelling";
  return record.state;
}

function toProgress(record: JobRecord): Progress {
  return {
    percent: Math.round(record.percent ?? (record.state === "succeeded" ? 100 : 0)),
    stage: record.stage,
    message: record.message,
    done: record.done,
    total: record.total,
    unit: record.unit,
    eta_seconds: record.eta_seconds,
  };
}

/** A job with what it was given, gave and went through. */
export function toJobDetail(record: JobRecord, detail: JobDetailRecord): JobDetail {
  return {
    ...toJob(record),
    input: detail.input,
    output: detail.output,
    omitted: [...detail.omitted],
    meta: detail.meta,
    tags: [...detail.tags],
    owner: record.owner,
    stream: record.stream,
    trace_id: detail.trace_parent?.split("-")[1] ?? null,
    attempts: detail.attempts.map((attempt) => ({
      attempt: attempt.attempt,
      worker: attempt.worker_name,
      started_at: attempt.started_at.toISOString(),
      finished_at: attempt.finished_at?.toISOString() ?? null,
      outcome: attempt.outcome,
      error:
        attempt.error_code === null
          ? null
          : { code: attempt.error_code, message: attempt.error_message ?? attempt.error_code },
    })),
    steps: detail.steps.map((step) => ({
      key: step.key,
      state: step.state,
      starts: step.starts,
      started_at: step.started_at.toISOString(),
      finished_at: step.finished_at?.toISOString() ?? null,
    })),
  };
}

export function toLogLine(record: LogRecord): LogLine {
  return { ...record, created_at: record.created_at.toISOString() };
}

/** What became of a job, without the rest of it. */
export function toJobResult(record: JobRecord, output: unknown): JobResult {
  const { id, state, finished_at, error } = toJob(record);
  return { id, state, output: output ?? null, error, finished_at };
}

export function toFailureGroup(record: FailureGroupRecord): FailureGroup {
  return {
    ...record,
    first_at: record.first_at.toISOString(),
    last_at: record.last_at.toISOString(),
    job_ids: [...record.job_ids],
  };
}

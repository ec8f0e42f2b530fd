import type { Schedule, ScheduleRun } from "@millrace/contracts";
import type { ScheduleRecord, TickRecord } from "./schedule-row.ts";

/** A schedule as the API gives it. `input` is what of it people may see. */
export function toSchedule(record: ScheduleRecord, input: unknown): Schedule {
  const self = `/api/schedules/${record.id}`;
  return {
    id: record.id,
    name: record.name,
    description: record.description,
    task: record.task,
    input,
    queue: record.queue,
    priority: record.priority,
    expires_seconds: seconds(record.expiresInMs),
    tags: [...record.tags],
    kind: record.kind,
    cron: record.cron,
    timezone: record.timezone,
    every_seconds: seconds(record.everyMs),
    at: moment(record.at),
    start_at: moment(record.startAt),
    end_at: moment(record.endAt),
    jitter_seconds: record.jitterMs / 1000,
    misfire: record.misfire,
    grace_seconds: record.graceMs / 1000,
    overlap: record.overlap,
    source: record.source,
    state: record.state,
    paused:
      record.pausedAt === null
        ? null
        : { at: record.pausedAt.toISOString(), by: record.pausedBy ?? "", reason: record.pauseReason },
    next_at: moment(record.nextAt),
    due_at: moment(record.dueAt),
    last_at: moment(record.lastAt),
    last_job_id: record.lastJobId,
    last_job_state: record.lastJobState,
    last_error: problem(record.lastErrorCode, record.lastErrorMessage),
    total_runs: record.totalRuns,
    total_missed: record.totalMissed,
    is_edited: record.isEdited,
    created_at: record.createdAt.toISOString(),
    created_by: record.createdBy,
    updated_at: record.updatedAt.toISOString(),
    updated_by: record.updatedBy,
    links: {
      self,
      runs: `${self}/runs`,
      pause: `${self}/pause`,
      resume: `${self}/resume`,
      run: `${self}/run`,
    },
  };
}

/** What became of one time, as the API gives it. */
export function toScheduleRun(tick: TickRecord): ScheduleRun {
  return {
    id: tick.id,
    scheduled_for: tick.scheduledFor.toISOString(),
    fired_at: tick.firedAt.toISOString(),
    outcome: tick.outcome,
    is_manual: tick.isManual,
    missed: tick.missed,
    by: tick.askedBy,
    job_id: tick.jobId,
    job_state: tick.jobState,
    error: problem(tick.errorCode, tick.errorMessage),
  };
}

function moment(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

function problem(code: string | null, message: string | null): { code: string; message: string } | null {
  return code === null ? null : { code, message: message ?? "" };
}

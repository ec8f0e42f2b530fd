import { jsonText } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { WriteScope } from "../write-scope.ts";
import type { LogLevel } from "./job-context.ts";

export type HeldJob = {
  readonly id: string;
  readonly fence: number;
  readonly stream: string;
  readonly owner: string | null;
};

export type ProgressState = {
  readonly percent: number;
  readonly stage: string | null;
  readonly message: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly unit: string | null;
  readonly eta_seconds: number | null;
};

export type LogEntry = {
  readonly level: LogLevel;
  readonly step: string | null;
  readonly message: string;
  readonly created_at: string;
};

/** A line as it is kept, from now: cut after 2,000 characters. */
export function logLine(level: LogLevel, message: string, step: string | null = null): LogEntry {
  return { level, step, message: message.slice(0, 2000), created_at: new Date().toISOString() };
}

/** What a job has said and the database has not heard yet, in the order it was said. */
export type PendingWrites = {
  readonly job: HeldJob;
  readonly logs: readonly LogEntry[];
  readonly progress: ProgressState | undefined;
};

/**
 * Writes log lines, progress and their events of jobs whose rows the caller has locked, and after
 * them the events of what the caller does now.
 */
export async function writePending(
  scope: WriteScope,
  bus: EventBus,
  pending: readonly PendingWrites[],
  then: readonly NewEvent[] = [],
): Promise<void> {
  await writeLogs(scope, pending);
  await writeProgress(scope, pending);
  await appendEvents(scope, bus, [...pending.flatMap(eventsOf), ...then]);
}

function eventsOf({ job, logs, progress }: PendingWrites): NewEvent[] {
  const { domain } = parseStream(job.stream);
  const base = { stream: job.stream, owner: job.owner };
  const events: NewEvent[] = logs.map((data) => ({ ...base, type: `${domain}.logged`, data }));
  if (progress !== undefined) events.push({ ...base, type: `${domain}.progressed`, data: progress });
  return events;
}

async function writeLogs(scope: WriteScope, pending: readonly PendingWrites[]): Promise<void> {
  const lines = pending.flatMap(({ job, logs }) =>
    logs.map((line) => ({ id: newId(), job_id: job.id, ...line })),
  );
  if (lines.length === 0) return;
  await sql`
    INSERT INTO job_log (id, job_id, level, step, message, created_at)
    SELECT id, job_id, level, step, message, created_at
    FROM jsonb_to_recordset(${jsonText(lines)}::jsonb)
      AS line (id uuid, job_id uuid, level text, step text, message text, created_at timestamptz)`.execute(
    scope.transaction,
  );
}

async function writeProgress(scope: WriteScope, pending: readonly PendingWrites[]): Promise<void> {
  const rows = pending.flatMap(({ job, progress }) =>
    progress === undefined ? [] : [{ job_id: job.id, ...progress }],
  );
  if (rows.length === 0) return;
  await sql`
    INSERT INTO job_progress (job_id, percent, stage, message, done, total, unit, eta_seconds)
    SELECT job_id, percent, stage, message, done, total, unit, eta_seconds
    FROM jsonb_to_recordset(${jsonText(rows)}::jsonb)
      AS row (job_id uuid, percent real, stage text, message text, done double precision,
              total double precision, unit text, eta_seconds double precision)
    ON CONFLICT (job_id) DO UPDATE SET percent = excluded.percent, stage = excluded.stage,
      message = excluded.message, done = excluded.done, total = excluded.total, unit = excluded.unit,
      eta_seconds = excluded.eta_seconds, updated_at = now()`.execute(scope.transaction);
}

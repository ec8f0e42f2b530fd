import type { JobState } from "@millrace/contracts";
import { jsonb } from "@millrace/database";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { scheduleNotFound } from "./schedule-errors.ts";
import { dueAt } from "./plan-fire.ts";
import { kindOf } from "./schedule.ts";
import type { ScheduleFields } from "./schedule.ts";

export type ScheduleSource = "program" | "person" | "product";
export type ScheduleState = "active" | "paused" | "ended";

export type ScheduleRecord = ScheduleFields & {
  readonly id: string;
  readonly kind: "cron" | "interval" | "once";
  readonly source: ScheduleSource;
  readonly state: ScheduleState;
  /** Where an interval counts from. */
  readonly anchorAt: Date;
  readonly pausedAt: Date | null;
  readonly pausedBy: string | null;
  readonly pauseReason: string | null;
  /** The next time it stands for; null when there is none any more. */
  readonly nextAt: Date | null;
  /** When that one comes, with its jitter. */
  readonly dueAt: Date | null;
  readonly lastAt: Date | null;
  readonly lastJobId: string | null;
  readonly lastJobState: JobState | null;
  readonly lastErrorCode: string | null;
  readonly lastErrorMessage: string | null;
  readonly totalRuns: number;
  readonly totalMissed: number;
  readonly declaredHash: string | null;
  readonly isEdited: boolean;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
};

const state = sql`
  CASE WHEN paused_at IS NOT NULL THEN 'paused' WHEN next_at IS NULL THEN 'ended' ELSE 'active' END`;

/** A row as a `ScheduleRecord`. */
export const scheduleColumns = sql`
  id, name, description, task, input, queue, priority, expires_in_ms AS "expiresInMs", owner, tags, kind, cron,
  timezone, every_ms AS "everyMs", at, anchor_at AS "anchorAt", start_at AS "startAt", end_at AS "endAt",
  jitter_ms AS "jitterMs", misfire, grace_ms AS "graceMs", overlap, paused_at AS "pausedAt",
  paused_by AS "pausedBy", pause_reason AS "pauseReason", next_at AS "nextAt", due_at AS "dueAt",
  last_at AS "lastAt", last_job_id AS "lastJobId",
  (SELECT last.state FROM job AS last WHERE last.id = last_job_id) AS "lastJobState", last_error_code AS "lastErrorCode",
  last_error_message AS "lastErrorMessage", total_runs AS "totalRuns", total_missed AS "totalMissed", source,
  declared_hash AS "declaredHash", is_edited AS "isEdited", created_at AS "createdAt", created_by AS "createdBy",
  updated_at AS "updatedAt", updated_by AS "updatedBy", ${state} AS state`;

/** By its id, or else its name. */
function named(idOrName: string): RawBuilder<unknown> {
  return sql`(id::text = ${idOrName.toLowerCase()} OR name = ${idOrName})`;
}

/** By id or name. Throws `schedule_not_found`. */
export async function getSchedule(queryable: Queryable, idOrName: string): Promise<ScheduleRecord> {
  const found = await sql<ScheduleRecord>`
    SELECT ${scheduleColumns} FROM schedule WHERE ${named(idOrName)} LIMIT 1`.execute(queryable);
  const [record] = found.rows;
  if (record === undefined) throw scheduleNotFound(idOrName);
  return record;
}

/** The same, locked until the transaction ends. */
export async function lockSchedule(queryable: Queryable, idOrName: string): Promise<ScheduleRecord> {
  const found = await sql<ScheduleRecord>`
    SELECT ${scheduleColumns} FROM schedule WHERE ${named(idOrName)} LIMIT 1 FOR UPDATE`.execute(queryable);
  const [record] = found.rows;
  if (record === undefined) throw scheduleNotFound(idOrName);
  return record;
}

export type ScheduleFilter = {
  /** Those of this owner and of nobody. Default: everybody's. */
  readonly owner?: string | undefined;
  readonly task?: string | undefined;
  readonly state?: ScheduleState | undefined;
  readonly source?: ScheduleSource | undefined;
  /** Those with a smaller id: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Newest first. There are hundreds, not millions: read without an index of its own. */
export async function listSchedules(queryable: Queryable, filter: ScheduleFilter): Promise<ScheduleRecord[]> {
  const [owner, task, wanted, source, before] = [
    filter.owner ?? null,
    filter.task ?? null,
    filter.state ?? null,
    filter.source ?? null,
    filter.before ?? null,
  ];
  const found = await sql<ScheduleRecord>`
    SELECT ${scheduleColumns} FROM schedule
    WHERE (${owner}::text IS NULL OR owner IS NULL OR owner = ${owner})
      AND (${task}::text IS NULL OR task = ${task}) AND (${wanted}::text IS NULL OR ${state} = ${wanted})
      AND (${source}::text IS NULL OR source = ${source}) AND (${before}::uuid IS NULL OR id < ${before}::uuid)
    ORDER BY id DESC LIMIT ${filter.limit}`.execute(queryable);
  return found.rows;
}

/** Where schedules have jobs of a task go, if not to its own queue. A few rows: workers read all of them. */
export async function listScheduledQueues(
  queryable: Queryable,
): Promise<readonly { readonly task: string; readonly queue: string }[]> {
  const found = await sql<{ task: string; queue: string }>`
    SELECT DISTINCT task, queue FROM schedule WHERE queue IS NOT NULL`.execute(queryable);
  return found.rows;
}

export type TickOutcome = "enqueued" | "missed" | "overlap" | "refused";

/** What became of one time. */
export type TickRecord = {
  readonly id: string;
  readonly scheduledFor: Date;
  readonly firedAt: Date;
  readonly outcome: TickOutcome;
  readonly missed: number;
  readonly jobId: string | null;
  /** Null when there is no job, or no more. */
  readonly jobState: JobState | null;
  readonly isManual: boolean;
  readonly askedBy: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
};

/** What became of the times of a schedule, the newest first. Read by schedule_tick_newest. */
export async function listTicks(
  queryable: Queryable,
  scheduleId: string,
  { before, limit }: { readonly before?: string | undefined; readonly limit: number },
): Promise<TickRecord[]> {
  const found = await sql<TickRecord>`
    SELECT tick.id, scheduled_for AS "scheduledFor", fired_at AS "firedAt", outcome, missed, job_id AS "jobId",
           job.state AS "jobState", is_manual AS "isManual", asked_by AS "askedBy", tick.error_code AS "errorCode",
           tick.error_message AS "errorMessage"
    FROM schedule_tick AS tick LEFT JOIN job ON job.id = tick.job_id
    WHERE tick.schedule_id = ${scheduleId} AND (${before ?? null}::uuid IS NULL OR tick.id < ${before ?? null}::uuid)
    ORDER BY tick.id DESC LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

/** The fields that people set, as columns with their values. */
export function fieldColumns(fields: ScheduleFields): ReadonlyMap<string, RawBuilder<unknown>> {
  return new Map([
    ["name", sql`${fields.name}`],
    ["description", sql`${fields.description}`],
    ["task", sql`${fields.task}`],
    ["input", jsonb(fields.input)],
    ["queue", sql`${fields.queue}`],
    ["priority", sql`${fields.priority}::smallint`],
    ["expires_in_ms", sql`${fields.expiresInMs}::double precision`],
    ["owner", sql`${fields.owner}`],
    ["tags", sql`${[...fields.tags]}::text[]`],
    ["kind", sql`${kindOf(fields)}`],
    ["cron", sql`${fields.cron}`],
    ["timezone", sql`${fields.timezone}`],
    ["every_ms", sql`${fields.everyMs}::double precision`],
    ["at", moment(fields.at)],
    ["start_at", moment(fields.startAt)],
    ["end_at", moment(fields.endAt)],
    ["jitter_ms", sql`${fields.jitterMs}::double precision`],
    ["misfire", sql`${fields.misfire}`],
    ["grace_ms", sql`${fields.graceMs}::double precision`],
    ["overlap", sql`${fields.overlap}`],
  ]);
}

/** Where it goes on, as columns with their values. */
export function nextColumns(
  { id, jitterMs }: { readonly id: string; readonly jitterMs: number },
  nextMs: number | null,
): ReadonlyMap<string, RawBuilder<unknown>> {
  return new Map([
    ["next_at", millisecond(nextMs)],
    ["due_at", millisecond(nextMs === null ? null : dueAt({ id, jitterMs }, nextMs))],
  ]);
}

/** Columns with their values as an UPDATE takes them. */
export function assignments(columns: Iterable<readonly [string, RawBuilder<unknown>]>): RawBuilder<unknown> {
  return sql.join([...columns].map(([column, value]) => sql`${sql.ref(column)} = ${value}`));
}

/** As text: the two drivers read a date in zones of their own. */
export function moment(time: Date | null): RawBuilder<unknown> {
  return sql`${time?.toISOString() ?? null}::timestamptz`;
}

export function millisecond(ms: number | null): RawBuilder<unknown> {
  return moment(ms === null ? null : new Date(ms));
}

import { isUniqueViolation } from "@millrace/database";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { scheduleNameTaken } from "./schedule-errors.ts";
import { timingOf } from "./schedule.ts";
import type { ScheduleFields } from "./schedule.ts";
import { assignments, fieldColumns, millisecond, nextColumns, scheduleColumns } from "./schedule-row.ts";
import type { ScheduleRecord, ScheduleSource } from "./schedule-row.ts";
import { nextTime } from "./timing.ts";

/** Writes a new schedule whose fields were checked. Throws `schedule_name_taken`. */
export async function insertSchedule(
  queryable: Queryable,
  {
    id,
    fields,
    nowMs,
    by,
    source,
    declaredHash,
  }: {
    readonly id: string;
    readonly fields: ScheduleFields;
    readonly nowMs: number;
    readonly by: string;
    readonly source: ScheduleSource;
    /** Null for one that is not declared. */
    readonly declaredHash: string | null;
  },
): Promise<ScheduleRecord> {
  const anchorMs = fields.startAt?.getTime() ?? nowMs;
  const columns = new Map([
    ["id", sql`${id}::uuid`],
    ...fieldColumns(fields),
    ["anchor_at", millisecond(anchorMs)],
    ...nextColumns({ id, jitterMs: fields.jitterMs }, nextTime(timingOf(fields, anchorMs), nowMs)),
    ["source", sql`${source}`],
    ["declared_hash", sql`${declaredHash}`],
    ["created_at", millisecond(nowMs)],
    ["created_by", sql`${by}`],
    ["updated_at", millisecond(nowMs)],
    ["updated_by", sql`${by}`],
  ]);
  const insert = sql<ScheduleRecord>`
    INSERT INTO schedule (${sql.join([...columns.keys()].map((column) => sql.ref(column)))})
    VALUES (${sql.join([...columns.values()])}) RETURNING ${scheduleColumns}`;
  return await oneRow(() => insert.execute(queryable), fields.name);
}

/**
 * Writes the fields of a schedule that the caller has locked, once they were checked. Where its times have
 * changed it goes on from now by the new ones; what was due by the former is forgotten. Throws
 * `schedule_name_taken`.
 */
export async function rewriteSchedule(
  queryable: Queryable,
  {
    former,
    fields,
    nowMs,
    by,
    isEdited,
    declaredHash = former.declaredHash,
  }: {
    readonly former: ScheduleRecord;
    readonly fields: ScheduleFields;
    readonly nowMs: number;
    readonly by: string;
    readonly isEdited: boolean;
    /** Default: the former. */
    readonly declaredHash?: string | null;
  },
): Promise<ScheduleRecord> {
  const anchorMs = anchorOf(former, fields, nowMs);
  const next = haveTimesChanged(former, fields)
    ? nextColumns({ id: former.id, jitterMs: fields.jitterMs }, nextTime(timingOf(fields, anchorMs), nowMs))
    : [];
  const columns = [
    ...fieldColumns(fields),
    ...next,
    ["anchor_at", millisecond(anchorMs)] as const,
    ["is_edited", sql`${isEdited}::boolean`] as const,
    ["declared_hash", sql`${declaredHash}`] as const,
    ["updated_at", millisecond(nowMs)] as const,
    ["updated_by", sql`${by}`] as const,
  ];
  const update = sql<ScheduleRecord>`
    UPDATE schedule SET ${assignments(columns)} WHERE id = ${former.id} RETURNING ${scheduleColumns}`;
  return await oneRow(() => update.execute(queryable), fields.name);
}

/** Whether a change of the fields moves the times. */
export function haveTimesChanged(former: ScheduleFields, fields: ScheduleFields): boolean {
  const times = ({ cron, timezone, everyMs, at, startAt, endAt, jitterMs }: ScheduleFields) =>
    JSON.stringify([cron, timezone, everyMs, at, startAt, endAt, jitterMs]);
  return times(former) !== times(fields);
}

/** A new start is a new anchor; a new length of the interval keeps the anchor that it has. */
function anchorOf(former: ScheduleRecord, fields: ScheduleFields, nowMs: number): number {
  const isSameStart = former.startAt?.getTime() === fields.startAt?.getTime();
  const isStillInterval = former.everyMs !== null && fields.everyMs !== null;
  if (isSameStart && (isStillInterval || fields.everyMs === null)) return former.anchorAt.getTime();
  return fields.startAt?.getTime() ?? nowMs;
}

async function oneRow(
  write: () => Promise<{ readonly rows: readonly ScheduleRecord[] }>,
  name: string,
): Promise<ScheduleRecord> {
  try {
    const [record] = (await write()).rows;
    if (record === undefined) throw new Error("a schedule was written and did not come back");
    return record;
  } catch (error) {
    throw isUniqueViolation(error, "schedule_name_is_unique") ? scheduleNameTaken(name) : error;
  }
}

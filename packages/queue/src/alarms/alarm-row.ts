import type { Alarm, AlarmKind, AlarmSeverity, AlarmSummary } from "@millrace/contracts";
import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { alarmIsCleared, alarmNotFound } from "./alarm-errors.ts";

export type AlarmRecord = {
  readonly id: string;
  readonly kind: AlarmKind;
  readonly subject: string;
  readonly severity: AlarmSeverity;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly raised_at: Date;
  readonly last_seen_at: Date;
  readonly cleared_at: Date | null;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_by: string | null;
};

export const alarmColumns = sql`
  id, kind, subject, severity, message, details, raised_at, last_seen_at, cleared_at, acknowledged_at, acknowledged_by`;

/** As REST and the webhook show it. */
export function toAlarm(record: AlarmRecord): Alarm {
  const self = `/api/alarms/${record.id}`;
  const { id, kind, subject, severity, message, details } = record;
  return {
    id,
    kind,
    subject,
    severity,
    message,
    details: { ...details },
    state: record.cleared_at === null ? "open" : "cleared",
    raised_at: record.raised_at.toISOString(),
    last_seen_at: record.last_seen_at.toISOString(),
    cleared_at: record.cleared_at?.toISOString() ?? null,
    acknowledged_at: record.acknowledged_at?.toISOString() ?? null,
    acknowledged_by: record.acknowledged_by,
    links: { self, acknowledge: `${self}/acknowledge` },
  };
}

/** A condition on a row of `alarm`. What is not raised yet is no alarm. */
export const isOpenAlarm = sql`(raised_at IS NOT NULL AND cleared_at IS NULL)`;

/** Alarms, newest first: open ones, or all that are kept. `before` is the id that a former page ended with. */
export async function listAlarms(
  queryable: Queryable,
  filter: {
    readonly state: "open" | "all";
    readonly kind?: AlarmKind | undefined;
    readonly severity?: AlarmSeverity | undefined;
    readonly before?: string | undefined;
    readonly limit: number;
  },
): Promise<AlarmRecord[]> {
  const { state, kind = null, severity = null, before = null, limit } = filter;
  const found = await sql<AlarmRecord>`
    SELECT ${alarmColumns} FROM alarm
    WHERE ${state === "open" ? isOpenAlarm : sql`raised_at IS NOT NULL`}
      AND (${kind}::text IS NULL OR kind = ${kind}) AND (${severity}::text IS NULL OR severity = ${severity})
      AND (${before}::uuid IS NULL OR id < ${before}::uuid)
    ORDER BY id DESC LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

/** Throws `alarm_not_found`. */
export async function getAlarm(queryable: Queryable, id: string): Promise<AlarmRecord> {
  const found = await sql<AlarmRecord>`
    SELECT ${alarmColumns} FROM alarm WHERE id = ${id} AND raised_at IS NOT NULL`.execute(queryable);
  const [alarm] = found.rows;
  if (alarm === undefined) throw alarmNotFound(id);
  return alarm;
}

/**
 * Says that somebody has seen an open alarm. It stays so until the alarm is cleared; who said it first stays
 * too. Throws `alarm_not_found` or `alarm_is_cleared`.
 */
export async function acknowledgeAlarm(
  database: QueryAccess,
  id: string,
  { by }: { readonly by: string },
): Promise<AlarmRecord> {
  const update = sql<AlarmRecord>`
    UPDATE alarm SET acknowledged_at = coalesce(acknowledged_at, now()), acknowledged_by = coalesce(acknowledged_by, ${by})
    WHERE id = ${id} AND ${isOpenAlarm} RETURNING ${alarmColumns}`;
  const updated = await commit("alarm_acknowledge", () => update.execute(database.queryable));
  const [alarm] = updated.rows;
  if (alarm !== undefined) return alarm;
  await getAlarm(database.queryable, id);
  throw alarmIsCleared(id);
}

/** How many are open. */
export async function summarizeAlarms(queryable: Queryable): Promise<AlarmSummary> {
  const found = await sql<AlarmSummary>`
    SELECT count(*)::integer AS open, count(*) FILTER (WHERE severity = 'critical')::integer AS critical,
           count(*) FILTER (WHERE acknowledged_at IS NULL)::integer AS unacknowledged
    FROM alarm WHERE ${isOpenAlarm}`.execute(queryable);
  return found.rows[0] ?? { open: 0, critical: 0, unacknowledged: 0 };
}

/** How many are open of each kind; kinds without any are left out. */
export async function countOpenAlarms(
  queryable: Queryable,
): Promise<{ readonly kind: AlarmKind; readonly count: number }[]> {
  const found = await sql<{ kind: AlarmKind; count: number }>`
    SELECT kind, count(*)::integer AS count FROM alarm WHERE ${isOpenAlarm} GROUP BY kind ORDER BY kind`.execute(
    queryable,
  );
  return found.rows;
}

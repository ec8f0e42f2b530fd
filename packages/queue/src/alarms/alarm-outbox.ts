import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { alarmColumns } from "./alarm-row.ts";
import type { AlarmRecord } from "./alarm-row.ts";

/** Something that a webhook is to be told. */
export type AlarmToTell = {
  readonly alarm: AlarmRecord;
  readonly change: "raised" | "cleared";
  /** This one included. */
  readonly tries: number;
};

/**
 * Takes the alarm that has waited longest to be told of, for `leaseMs`: when the process dies before it says
 * what came of it, another one tells it then. Of one alarm the raise comes first, then the clear.
 */
export async function takeAlarmToTell(
  database: QueryAccess,
  leaseMs: number,
): Promise<AlarmToTell | undefined> {
  const take = sql<AlarmRecord & { change: AlarmToTell["change"]; tries: number }>`
    UPDATE alarm SET tell_at = now() + ${leaseMs}::double precision * interval '1 millisecond', tell_tries = tell_tries + 1
    WHERE id IN (SELECT id FROM alarm WHERE tell_at <= now() ORDER BY tell_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING ${alarmColumns}, tell_tries AS tries, CASE WHEN raise_told_at IS NULL THEN 'raised' ELSE 'cleared' END AS change`;
  const taken = await commit("alarm_tell", () => take.execute(database.queryable));
  const [row] = taken.rows;
  if (row === undefined) return undefined;
  const { change, tries, ...alarm } = row;
  return { alarm, change, tries };
}

/** Says that it was told, once for each change. When the alarm was cleared meanwhile, that is to be told next. */
export async function recordTold(database: QueryAccess, { alarm, change }: AlarmToTell): Promise<void> {
  const told = change === "raised" ? sql`raise_told_at` : sql`clear_told_at`;
  const update = sql`
    UPDATE alarm SET ${told} = now(), tell_tries = 0,
      tell_at = CASE WHEN ${change} = 'raised' AND cleared_at IS NOT NULL THEN now() END
    WHERE id = ${alarm.id} AND ${told} IS NULL`;
  await commit("alarm_told", () => update.execute(database.queryable));
}

/** Says that it could not be told, and is to be tried again after `delayMs`. */
export async function recordNotTold(
  database: QueryAccess,
  { alarm, tries }: AlarmToTell,
  delayMs: number,
): Promise<void> {
  // Not when somebody else has taken it since: another number of tries.
  const update = sql`
    UPDATE alarm SET tell_at = now() + ${delayMs}::double precision * interval '1 millisecond'
    WHERE id = ${alarm.id} AND tell_at IS NOT NULL AND tell_tries = ${tries}`;
  await commit("alarm_told", () => update.execute(database.queryable));
}

import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { commit } from "../crash-point.ts";
import { readClock } from "./fire-schedules.ts";
import { timingOf } from "./schedule.ts";
import { assignments, moment, nextColumns, scheduleColumns } from "./schedule-row.ts";
import type { ScheduleRecord } from "./schedule-row.ts";
import { nextTime } from "./timing.ts";

/**
 * Brings schedules back whose next time is later than their rule says: the clock stood in the future when they
 * fired, and they would rest until then. Times that had their jobs get no second one: their records are there.
 * Returns how many. One that can't be read does not keep the others; the first such failure is thrown in the end.
 * Any number of processes may do it at once.
 */
export async function realignSchedules(database: QueryAccess, clock: RawBuilder<Date>): Promise<number> {
  const nowMs = await readClock(database.queryable, clock);
  const found = await sql<ScheduleRecord>`
    SELECT ${scheduleColumns} FROM schedule WHERE next_at > ${moment(new Date(nowMs))} ORDER BY id`.execute(
    database.queryable,
  );
  const failures: unknown[] = [];
  let count = 0;
  for (const schedule of found.rows) {
    try {
      count += await realign(database, schedule, nowMs);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return count;
}

async function realign(database: QueryAccess, schedule: ScheduleRecord, nowMs: number): Promise<number> {
  const nextMs = nextTime(timingOf(schedule, schedule.anchorAt.getTime()), nowMs);
  if (nextMs === null || schedule.nextAt === null || nextMs >= schedule.nextAt.getTime()) return 0;
  const statement = sql`
    UPDATE schedule SET ${assignments(nextColumns(schedule, nextMs))}
    WHERE id = ${schedule.id} AND next_at = ${moment(schedule.nextAt)}`;
  const changed = await commit("change_schedule", () => statement.execute(database.queryable));
  return Number(changed.numAffectedRows ?? 0n);
}

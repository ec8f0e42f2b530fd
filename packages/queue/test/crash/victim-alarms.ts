/** An alarm that every worker gives cause for, from its raise to the person who has seen it. */
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { takeAlarmToTell, recordTold } from "../../src/alarms/alarm-outbox.ts";
import { acknowledgeAlarm, listAlarms } from "../../src/alarms/alarm-row.ts";
import { lookForAlarms } from "../../src/alarms/look-for-alarms.ts";
import { thresholds } from "../alarms-scene.ts";

/** Each can be done again by a later launch, and says whether all of it has come about. */
export const alarmDeeds = {
  "alarm raised": async (database: Database): Promise<boolean> => {
    await lookForAlarms(database, {
      thresholds: { ...thresholds, workerMemoryBytes: 1 },
      off: [],
      everyMs: 1,
      afterLooks: 1,
      tells: true,
      logger: silentLogger,
    });
    return (await openAlarms(database)).length > 0;
  },
  "alarm told": async (database: Database): Promise<boolean> => {
    const untold = await takeAlarmToTell(database, 50);
    if (untold !== undefined) await recordTold(database, untold);
    const found = await sql<{ untold: number }>`
      SELECT count(*) AS untold FROM alarm WHERE raise_told_at IS NULL AND raised_at IS NOT NULL`.execute(
      database.queryable,
    );
    return found.rows[0]?.untold === 0;
  },
  "alarm acknowledged": async (database: Database): Promise<boolean> => {
    const [alarm] = await openAlarms(database);
    if (alarm !== undefined) await acknowledgeAlarm(database, alarm.id, { by: "the script" });
    return alarm !== undefined;
  },
} as const;

function openAlarms(database: Database) {
  return listAlarms(database.queryable, { state: "open", kind: "worker_memory", limit: 1 });
}

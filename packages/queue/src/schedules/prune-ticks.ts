import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";

/** Of each schedule. */
const keptTicks = 1_000;
const batch = 1_000;

/**
 * Deletes what is known of former times of schedules but for the last thousand of each and all of the last day,
 * at most a thousand at a time. Returns whether there may be more. Any number of processes may do it at once.
 */
export async function pruneTicks(database: QueryAccess): Promise<boolean> {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM schedule_tick WHERE id IN (
        SELECT old.id FROM schedule CROSS JOIN LATERAL (
          SELECT id, fired_at FROM schedule_tick WHERE schedule_id = schedule.id
          ORDER BY id DESC OFFSET ${keptTicks}) AS old
        WHERE old.fired_at < now() - interval '1 day' LIMIT ${batch})
      RETURNING id
    )
    SELECT count(*) AS count FROM gone`;
  const result = await commit("prune", () => statement.execute(database.queryable));
  return (result.rows[0]?.count ?? 0) === batch;
}

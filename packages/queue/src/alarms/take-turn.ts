import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";

/**
 * Takes the turn to look, when nobody did for nearly as long as looks are apart: returns the number of
 * this look, undefined when it is not due or another process takes it. Whoever dies with it costs one
 * look. A clock that jumped back keeps nobody waiting.
 */
export async function takeTurn(database: QueryAccess, everyMs: number): Promise<number | undefined> {
  // Timers are not exact: one that fires a little early must not leave its look out.
  const leastMs = everyMs * 0.9;
  const take = sql<{ number: number }>`
    UPDATE alarm_look SET number = number + 1, looked_at = now() WHERE is_only IN (
      SELECT is_only FROM alarm_look
      WHERE looked_at NOT BETWEEN now() - ${leastMs}::double precision * interval '1 millisecond' AND now()
      FOR UPDATE SKIP LOCKED)
    RETURNING number`;
  const taken = await commit("alarm_look", () => take.execute(database.queryable));
  return taken.rows[0]?.number;
}

/** Whether some process has looked for alarms within the hour, which is as far as looks may be apart. */
export async function isLookedAfter(database: QueryAccess): Promise<boolean> {
  const found = await sql<{ is_recent: boolean }>`
    SELECT looked_at > now() - interval '1 hour' AS is_recent FROM alarm_look`.execute(database.queryable);
  return found.rows[0]?.is_recent === true;
}

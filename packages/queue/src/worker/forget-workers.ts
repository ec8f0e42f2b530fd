import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { workerIsLive, workerNotFound } from "../control/control-errors.ts";
import { commit } from "../crash-point.ts";
import { findWorkers, isHeardOf } from "./worker-row.ts";

/**
 * Forgets workers that have stopped or fell silent, by an id or a name: they leave the lists, as they would by
 * themselves a day later. What they ran keeps their names; one that is heard of again registers anew. Returns
 * their ids. Throws `worker_not_found`, or `worker_is_live` when there are only live ones.
 */
export async function forgetWorkers(database: QueryAccess, worker: string): Promise<string[]> {
  const forget = sql<{ id: string }>`
    DELETE FROM worker WHERE (id::text = ${worker} OR name = ${worker}) AND NOT (${isHeardOf()}) RETURNING id`;
  const forgotten = await commit("worker_forget", () => forget.execute(database.queryable));
  if (forgotten.rows.length > 0) return forgotten.rows.map(({ id }) => id);
  const known = await findWorkers(database.queryable, worker);
  throw known.length === 0 ? workerNotFound(worker) : workerIsLive(worker);
}

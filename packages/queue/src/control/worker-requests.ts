import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { commit } from "../crash-point.ts";
import { isHeardOf } from "../worker/worker-row.ts";
import { assertCount } from "./queue-settings.ts";
import { invalidLimit, workerNotFound } from "./control-errors.ts";

/** What a worker may be asked for: to go on, to claim nothing more, or to hand its jobs back and end. */
export type WantedState = "running" | "draining" | "stopped";

/**
 * Asks a worker for a state, by its id or its name; of a name, all live workers that have it. It obeys
 * with its next beat. The last wish counts. Returns the ids. Throws `worker_not_found`.
 */
export function requestState(database: QueryAccess, worker: string, state: WantedState): Promise<string[]> {
  return request(database, worker, sql`wanted_state = ${state}`);
}

/** The same for how many jobs each of them runs at once. Throws `invalid_limit` or `worker_not_found`. */
export async function requestConcurrency(
  database: QueryAccess,
  worker: string,
  concurrency: number,
): Promise<string[]> {
  assertCount("concurrency", concurrency);
  // Nothing at all is a drain, which says so to those who look.
  if (concurrency === 0) throw invalidLimit("concurrency", 0, "to let a worker run nothing, drain it.");
  return await request(database, worker, sql`wanted_concurrency = ${concurrency}`);
}

async function request(database: QueryAccess, worker: string, wish: RawBuilder<unknown>): Promise<string[]> {
  const write = sql<{ id: string }>`
    UPDATE worker SET ${wish} WHERE (id::text = ${worker} OR name = ${worker}) AND ${isHeardOf()}
    RETURNING id`;
  const asked = await commit("worker_request", () => write.execute(database.queryable));
  if (asked.rows.length === 0) throw workerNotFound(worker);
  return asked.rows.map((row) => row.id);
}

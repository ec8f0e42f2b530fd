import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { invalidLimit } from "./control-errors.ts";

/**
 * A thousand turns to one, either way. Far beyond it the shares of one owner and of another no longer
 * differ within the precision of the number that orders them.
 */
const [minWeight, maxWeight] = [0.001, 1000];

export type OwnerWeight = { readonly owner: string; readonly weight: number };

/**
 * Gives an owner's jobs more turns (2: two where others get one) or fewer; null is 1 again. Counts for jobs
 * that are enqueued from then on. Throws `invalid_limit`.
 */
export async function setOwnerWeight(
  database: QueryAccess,
  owner: string,
  weight: number | null,
): Promise<void> {
  if (weight === null) {
    const forget = sql`DELETE FROM owner_weight WHERE owner = ${owner}`;
    await commit("owner_weight", () => forget.execute(database.queryable));
    return;
  }
  if (!(weight >= minWeight && weight <= maxWeight)) {
    throw invalidLimit("weight", weight, `it must be from ${minWeight} to ${maxWeight}.`);
  }
  const write = sql`
    INSERT INTO owner_weight (owner, weight) VALUES (${owner}, ${weight})
    ON CONFLICT (owner) DO UPDATE SET weight = excluded.weight`;
  await commit("owner_weight", () => write.execute(database.queryable));
}

/** Owners whose weight is not 1, heaviest first, at most 1000. */
export async function listOwnerWeights(queryable: Queryable): Promise<OwnerWeight[]> {
  const found = await sql<OwnerWeight>`
    SELECT owner, weight FROM owner_weight ORDER BY weight DESC, owner LIMIT 1000`.execute(queryable);
  return found.rows;
}

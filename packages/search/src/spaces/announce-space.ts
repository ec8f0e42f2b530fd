import type { Database, Transaction } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import { countPassages } from "./count-passages.ts";
import { findSpaceById } from "./embedding-space.ts";
import type { EmbeddingModel, EmbeddingSpace } from "./embedding-space.ts";

/**
 * So long after it was last announced a setting counts as gone: several times the pace of announcing. On an embedded
 * folder there is one process only, and whatever was announced before is gone.
 */
const liveMsOf = { embedded: 0, postgres: 180_000 };

/**
 * Says which model the settings of a process mean, and gives the space that is to answer queries, now or once it is
 * filled. Of several settings side by side the one that came last wins, however often the others are announced; an
 * older one comes back only when the newer is gone everywhere. Where there are no passages yet the switch is made
 * at once. Idempotent; meant to be repeated every half minute.
 */
export async function announceSpace(
  database: Database,
  wanted: EmbeddingModel & { readonly isBuiltIn: boolean },
  { liveMs = liveMsOf[database.kind] }: { readonly liveMs?: number } = {},
): Promise<EmbeddingSpace> {
  const { id, isBegun } = await database.transaction(async (transaction) => {
    await lockSpaces(transaction);
    await noteWanted(transaction, wanted, liveMs);
    return await choose(transaction);
  });
  // Not while others wait for the lock. Who dies before it leaves no more than a progress that is not known yet.
  if (isBegun) await countPassages(database.queryable, id);
  const space = await findSpaceById(database.queryable, id);
  if (space === undefined) throw new Error("The space that was just chosen is gone.");
  return space;
}

/** Changes of which space is what come one after another; vectors are stored without it. */
export async function lockSpaces(transaction: Transaction): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(7101938, 1)`.execute(transaction);
}

async function noteWanted(
  transaction: Transaction,
  { model, revision = "", isBuiltIn }: EmbeddingModel & { readonly isBuiltIn: boolean },
  liveMs: number,
): Promise<void> {
  const noted = await sql`
    UPDATE embedding_space AS own SET seen_at = clock_timestamp(), chosen_at = CASE
      WHEN EXISTS (SELECT 1 FROM embedding_space AS other WHERE other.chosen_at > own.chosen_at)
       AND NOT EXISTS (
         SELECT 1 FROM embedding_space AS other
         WHERE other.chosen_at > own.chosen_at
           AND other.seen_at > clock_timestamp() - make_interval(secs => ${liveMs / 1000}::float8))
      THEN clock_timestamp() ELSE chosen_at END
    WHERE id = (SELECT id FROM embedding_space WHERE model = ${model} AND revision = ${revision}
                ORDER BY chosen_at DESC LIMIT 1)
    RETURNING id`.execute(transaction);
  if (noted.rows.length > 0) return;
  await sql`
    INSERT INTO embedding_space (id, model, revision, is_built_in, status, retired_at)
    VALUES (${newId()}, ${model}, ${revision}, ${isBuiltIn}, 'retired', now())`.execute(transaction);
}

/** Makes the space that was chosen last the one that is being filled, if it is not the active one. */
async function choose(transaction: Transaction): Promise<{ readonly id: string; readonly isBegun: boolean }> {
  const found = await sql<{ id: string; status: EmbeddingSpace["status"]; is_empty: boolean }>`
    SELECT id, status, NOT EXISTS (SELECT 1 FROM search_source WHERE chunk_count > 0) AS is_empty
    FROM embedding_space ORDER BY chosen_at DESC, id DESC LIMIT 1`.execute(transaction);
  const chosen = found.rows[0];
  if (chosen === undefined) throw new Error("No space was announced.");
  const { id, status } = chosen;
  await retire(transaction, { status: "building", except: id });
  if (status === "retired") await beginFilling(transaction, id);
  if (status !== "active" && chosen.is_empty) await activate(transaction, id);
  return { id, isBegun: status === "retired" };
}

async function beginFilling(transaction: Transaction, id: string): Promise<void> {
  await sql`
    UPDATE embedding_space SET status = 'building', retired_at = NULL, paused_at = NULL, last_chunk_id = NULL,
           passages_done = 0, error_code = NULL, error_message = NULL, run_began_at = NULL
    WHERE id = ${id}`.execute(transaction);
}

/** The switch: from the commit on, this space answers queries. Call it under `lockSpaces`. */
export async function activate(transaction: Transaction, id: string): Promise<void> {
  await retire(transaction, { status: "active", except: id });
  await sql`
    UPDATE embedding_space SET status = 'active', activated_at = clock_timestamp(), retired_at = NULL,
           paused_at = NULL, error_code = NULL, error_message = NULL
    WHERE id = ${id}`.execute(transaction);
}

/** Leaves the space of a status, but for the one that is chosen. Call it under `lockSpaces`. */
export async function retire(
  transaction: Transaction,
  { status, except = null }: { readonly status: "active" | "building"; readonly except?: string | null },
): Promise<void> {
  await sql`
    UPDATE embedding_space SET status = 'retired', retired_at = clock_timestamp()
    WHERE status = ${status} AND id IS DISTINCT FROM ${except}::uuid`.execute(transaction);
}

import type { QueryAccess, Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";
import { storeEmbeddings } from "../indexing/embeddings.ts";
import type { NewEmbedding } from "../indexing/embeddings.ts";
import { activate, countPassages, lockSpaces, retire } from "./announce-space.ts";
import { findSpaceById } from "./embedding-space.ts";
import type { EmbeddingSpace } from "./embedding-space.ts";

type ChunkToEmbed = { readonly id: string; readonly text: string };

/** Passages that have no vector of a space yet, from where its filling has come to, in order. */
export async function nextToEmbed(
  queryable: Queryable,
  spaceId: string,
  limit: number,
): Promise<ChunkToEmbed[]> {
  const found = await sql<ChunkToEmbed>`
    SELECT chunk.id, chunk.text FROM chunk
    WHERE chunk.id > coalesce((SELECT last_chunk_id FROM embedding_space WHERE id = ${spaceId}), ${beforeAll}::uuid)
      AND NOT EXISTS (SELECT 1 FROM chunk_embedding WHERE space_id = ${spaceId} AND chunk_id = chunk.id)
    ORDER BY chunk.id LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

const beforeAll = "00000000-0000-0000-0000-000000000000";

/** Begins or goes on with filling a space: counts anew, and forgets the pace and the failure of before. */
export async function beginRun(database: QueryAccess, spaceId: string): Promise<void> {
  await database.transaction(async (transaction) => {
    await countPassages(transaction, spaceId);
    await sql`
      UPDATE embedding_space SET run_began_at = clock_timestamp(), run_began_done = passages_done,
             error_code = NULL, error_message = NULL
      WHERE id = ${spaceId}`.execute(transaction);
  });
}

/**
 * Stores a batch and how far it came, together: what is stored is never embedded again. A model whose vectors have
 * another length than those of before gets another space.
 */
export async function storeBatch(
  transaction: Transaction,
  space: EmbeddingSpace,
  batch: { readonly dimensions: number; readonly vectors: readonly NewEmbedding[] },
): Promise<"stored" | "left"> {
  const { dimensions, vectors } = batch;
  const isOther = space.dimensions !== null && space.dimensions !== dimensions;
  if (isOther && space.status === "building") {
    await lockSpaces(transaction);
    await retire(transaction, { status: "building" });
  }
  const isStored = await storeEmbeddings(transaction, { ...space, dimensions }, vectors);
  if (isOther || !isStored) return "left";
  await sql`
    UPDATE embedding_space SET passages_done = passages_done + ${vectors.length}::int,
           last_chunk_id = ${vectors.at(-1)?.chunkId ?? null}
    WHERE id = ${space.id}`.execute(transaction);
  return "stored";
}

/**
 * At the end of the passages: switches to the space if really all have a vector, or if `isEnough`, else begins
 * again with those that came meanwhile. Undefined: the space is gone.
 */
export async function finishFilling(
  transaction: Transaction,
  spaceId: string,
  { isEnough }: { readonly isEnough: boolean },
): Promise<"switched" | "complete" | "goes_on" | undefined> {
  await lockSpaces(transaction);
  const space = await findSpaceById(transaction, spaceId);
  if (space === undefined || space.status === "retired") return undefined;
  const isMissing = (await countMissing(transaction, spaceId)) > 0;
  await sql`UPDATE embedding_space SET last_chunk_id = NULL WHERE id = ${spaceId}`.execute(transaction);
  if (isMissing && !isEnough) return "goes_on";
  await countPassages(transaction, spaceId);
  if (space.status === "active") return "complete";
  if (space.pausedAt !== null) return "goes_on";
  await activate(transaction, spaceId);
  return "switched";
}

async function countMissing(transaction: Transaction, spaceId: string): Promise<number> {
  const found = await sql`
    SELECT 1 FROM chunk
    WHERE NOT EXISTS (SELECT 1 FROM chunk_embedding WHERE space_id = ${spaceId} AND chunk_id = chunk.id)
    LIMIT 1`.execute(transaction);
  return found.rows.length;
}

/** Says with the space why filling it does not go on. */
export async function recordFillError(
  queryable: Queryable,
  spaceId: string,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await sql`
    UPDATE embedding_space SET error_code = ${error.code}, error_message = ${error.message}
    WHERE id = ${spaceId}`.execute(queryable);
}

/** Spaces with something to do: one that is being filled, and an active one that lacks vectors of older passages. */
export async function spacesToFill(queryable: Queryable): Promise<{ readonly id: string }[]> {
  // Younger ones are still being embedded by the job of their document.
  const found = await sql<{ id: string }>`
    SELECT id FROM embedding_space WHERE (status = 'building' AND paused_at IS NULL)
      OR (status = 'active' AND EXISTS (
        SELECT 1 FROM chunk JOIN search_source ON search_source.id = source_id
        WHERE indexed_at < now() - interval '10 minutes' AND NOT EXISTS (
          SELECT 1 FROM chunk_embedding WHERE space_id = embedding_space.id AND chunk_id = chunk.id)))`.execute(
    queryable,
  );
  return found.rows;
}

import { sqlFailure } from "@millrace/database";
import type { Queryable } from "@millrace/database";
import { MillraceError } from "@millrace/kernel";
import { sql } from "kysely";

/** Whether the server says of itself that an index, or its file, is not what it should be. */
export function isBrokenIndex(error: unknown): boolean {
  const state = sqlFailure(error)?.sqlState ?? "";
  return state.startsWith("XX") || state.startsWith("58");
}

/** The index of a row of `embedding_space`, as `pg_index`. */
export const joinIndex = sql`pg_index
  ON indexrelid = to_regclass('chunk_embedding_hnsw_' || replace(embedding_space.id::text, '-', ''))`;

/** A usable index has a page at least. */
export const isLost = sql<boolean>`(pg_index.indisvalid AND pg_relation_size(pg_index.indexrelid) = 0)`;

/**
 * Has upkeep make an index anew: each whose file is lost, for which the server refuses every statement about the
 * vectors, whosever they are; where there is none, that of the space that was asked for. False: there is no index to
 * blame.
 */
export async function markBrokenIndex(queryable: Queryable, spaceId: string | undefined): Promise<boolean> {
  const marked = await sql`
    WITH indexed AS (
      SELECT embedding_space.id, ${isLost} AS is_lost FROM embedding_space JOIN ${joinIndex} WHERE indisvalid)
    UPDATE embedding_space SET index_broken_at = coalesce(index_broken_at, now()) FROM indexed
    WHERE indexed.id = embedding_space.id
      AND (is_lost OR (indexed.id = ${spaceId ?? null}::uuid AND NOT EXISTS (SELECT 1 FROM indexed WHERE is_lost)))
    RETURNING embedding_space.id`.execute(queryable);
  return marked.rows.length > 0;
}

/**
 * Whether a statement about the vectors of a space failed for a broken approximate index, which is marked then: upkeep
 * makes it anew. Not in the transaction that failed.
 */
export async function markIfBroken(
  queryable: Queryable,
  error: unknown,
  spaceId: string | undefined,
): Promise<boolean> {
  return isBrokenIndex(error) && (await markBrokenIndex(queryable, spaceId));
}

/** When an index was last marked of those that wait to be made anew; undefined where there is none. */
export async function findBrokenSince(queryable: Queryable): Promise<Date | undefined> {
  const found = await sql<{ at: Date | null }>`
    SELECT max(index_broken_at) AS at FROM embedding_space`.execute(queryable);
  return found.rows[0]?.at ?? undefined;
}

/** How long whoever waits for an index to be made anew may wait until the next look. */
const putOffSeconds = 60;

/** Vectors can't be removed: nothing was changed. */
export function indexBroken(cause: unknown): MillraceError {
  return new MillraceError({
    code: "index_broken",
    kind: "unavailable",
    message:
      "The index of search is broken, so nothing that it holds can be replaced or deleted. It is made anew by itself; try again in some minutes.",
    retryable: true,
    retryAfterSeconds: putOffSeconds,
    putOffSeconds,
    cause,
  });
}

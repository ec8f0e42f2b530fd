import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { isBrokenIndex, markBrokenIndex } from "../indexing/broken-index.ts";
import { indexedType } from "../indexing/vector-type.ts";
import { vectorText } from "../indexing/vector-text.ts";
import type { SpaceToSearch } from "./find-space.ts";
import { sourceCondition } from "./scope.ts";
import type { SearchScope } from "./scope.ts";

export type VectorCandidate = {
  readonly id: string;
  /** The cosine, from -1 to 1. */
  readonly similarity: number;
};

type FoundByVector = {
  readonly candidates: readonly VectorCandidate[];
  /** `exact`: every vector in the scope was compared. `broken`: the index is so damaged that none can be. */
  readonly method: "exact" | "index" | "broken";
};

/** Candidates that the index looks at in one round; more finds better and takes longer. Measured in bench/search. */
const searchWidth = 200;
/** Where the index gives up when nearly all that is near belongs to others; then every vector is compared. */
const mostScanned = 20_000;

/**
 * The nearest vectors of the scope, nearest first: `limit` of them if so many exist, whatever the share of the
 * owner. The index is used for large scopes only, goes on until it has enough, and what it lacks after all is
 * found by comparing every vector. A broken index is marked, and not used until upkeep has made it anew.
 */
export async function findByVector(
  queryable: Queryable,
  space: SpaceToSearch,
  request: { readonly scope: SearchScope; readonly vector: readonly number[]; readonly limit: number },
): Promise<FoundByVector> {
  const { limit } = request;
  try {
    if (space.usesIndex) {
      const candidates = await nearestByIndex(queryable, space, request);
      if (candidates.length >= limit) return { candidates, method: "index" };
    }
  } catch (error) {
    if (!isBrokenIndex(error)) throw error;
    await markBrokenIndex(queryable, space.id);
  }
  try {
    return { candidates: await nearestOfAll(queryable, space, request), method: "exact" };
  } catch (error) {
    // Without the index's file the server refuses every statement about the table, also those that need no index.
    if (!isBrokenIndex(error)) throw error;
    await markBrokenIndex(queryable, space.id);
    return { candidates: [], method: "broken" };
  }
}

/** These passages, nearest first; those without a vector are left out. A broken index is marked. */
export async function compareVectors(
  queryable: Queryable,
  space: SpaceToSearch,
  request: { readonly ids: readonly string[]; readonly vector: readonly number[] },
): Promise<{ readonly candidates: readonly VectorCandidate[]; readonly method: "reordered" | "broken" }> {
  try {
    const found = await sql<VectorCandidate>`
      SELECT chunk_id AS id, 1 - (embedding <=> ${vectorText(request.vector)}::vector) AS similarity
      FROM chunk_embedding WHERE space_id = ${space.id} AND chunk_id = ANY(${[...request.ids]}::uuid[])
      ORDER BY similarity DESC, id`.execute(queryable);
    return { candidates: found.rows, method: "reordered" };
  } catch (error) {
    if (!isBrokenIndex(error)) throw error;
    await markBrokenIndex(queryable, space.id);
    return { candidates: [], method: "broken" };
  }
}

async function nearestOfAll(
  queryable: Queryable,
  space: SpaceToSearch,
  { scope, vector, limit }: Parameters<typeof findByVector>[2],
): Promise<VectorCandidate[]> {
  // Without the cast of the index, so that the planner can't take the index, which may leave some out.
  const found = await sql<VectorCandidate>`
    SELECT id, 1 - distance AS similarity FROM (
      SELECT chunk_id AS id, embedding <=> ${vectorText(vector)}::vector AS distance
      FROM chunk_embedding WHERE ${conditions(space, scope)} ORDER BY distance LIMIT ${limit}) AS nearest
    ORDER BY distance, id`.execute(queryable);
  return found.rows;
}

/**
 * In one statement, which saves three round trips: the settings are made when the index asks for the vector to start
 * from, and last as long as the statement. Behind pgBouncer the connection is somebody else's right after it.
 */
async function nearestByIndex(
  queryable: Queryable,
  space: SpaceToSearch,
  { scope, vector, limit }: Parameters<typeof findByVector>[2],
): Promise<VectorCandidate[]> {
  const type = sql.raw(`${indexedType(space.dimensions) ?? "vector"}(${space.dimensions})`);
  const found = await sql<VectorCandidate>`
    WITH setting AS MATERIALIZED (
      SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
             set_config('hnsw.ef_search', ${String(searchWidth)}, true),
             set_config('hnsw.max_scan_tuples', ${String(mostScanned)}, true)),
    nearest AS MATERIALIZED (
      SELECT chunk_id AS id, embedding::${type} <=> (SELECT ${vectorText(vector)}::${type} FROM setting) AS distance
      FROM chunk_embedding WHERE ${conditions(space, scope)} ORDER BY distance LIMIT ${limit})
    SELECT id, 1 - distance AS similarity FROM nearest ORDER BY distance, id`.execute(queryable);
  return found.rows;
}

/** The space stands in the text: the index is of its vectors alone, and the planner has to see that. */
function conditions(space: SpaceToSearch, scope: SearchScope) {
  const all = [
    sql`space_id = ${sql.lit(space.id)}::uuid`,
    sql`workspace_id = ${scope.workspaceId}`,
    ...sourceCondition(scope, { source: sql`source_id`, chunk: sql`chunk_id` }),
  ];
  return sql.join(all, sql` AND `);
}

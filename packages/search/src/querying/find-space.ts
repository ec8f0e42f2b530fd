import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { EmbeddingModel } from "../spaces/embedding-space.ts";
import { indexNameOf } from "../indexing/vector-type.ts";
import type { SearchScope } from "./scope.ts";

/** The vectors of one model. */
export type SpaceToSearch = {
  readonly id: string;
  readonly dimensions: number;
  /** Whether there is an approximate index that can be trusted to go on until it has found enough, and is worth it. */
  readonly usesIndex: boolean;
};

/**
 * So many vectors are compared one by one: it is complete, and about as fast as the index, which has to step
 * over other owners' vectors. Too small loses completeness for nothing; too large costs milliseconds.
 */
export const exactUpTo = 10_000;

/**
 * The space of a model; undefined while nothing was embedded with it, or not everything yet. One that was just
 * left answers too: a search may have begun before the switch. How many vectors are in reach is asked of what is noted
 * of the sources: counting them would take as long as many a search.
 */
export async function findSpace(
  queryable: Queryable,
  { model, revision = "", dimensions }: EmbeddingModel & { readonly dimensions: number },
  { workspaceId, sources }: SearchScope,
): Promise<SpaceToSearch | undefined> {
  const found = await sql<{
    id: string;
    dimensions: number;
    is_usable: boolean;
    vector_version: string | null;
    is_large: boolean;
  }>`
    SELECT id, dimensions,
           index_broken_at IS NULL AND EXISTS (
             SELECT FROM pg_index WHERE indexrelid = to_regclass(${indexNameOf(sql`id`)}) AND indisvalid) AS is_usable,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector_version,
           (SELECT coalesce(sum(chunk_count), 0) > ${exactUpTo} FROM search_source AS source
            WHERE workspace_id = ${workspaceId} AND hidden_at IS NULL
              AND ${sources === undefined ? sql`true` : sql`source.id IN (${sources})`}) AS is_large
    FROM embedding_space
    WHERE model = ${model} AND revision = ${revision} AND dimensions = ${dimensions}
      AND status <> 'building'`.execute(queryable);
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const usesIndex = row.is_usable && row.is_large && scansOn(row.vector_version);
  return { id: row.id, dimensions: row.dimensions, usesIndex };
}

/** Since 0.8 pgvector goes on when a filter took away what its index found. */
export function scansOn(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major > 0 || minor >= 8;
}

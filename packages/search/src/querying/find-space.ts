import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { EmbeddingModel } from "../spaces/embedding-space.ts";
import { indexName } from "../indexing/vector-type.ts";

/** The vectors of one model. */
export type SpaceToSearch = {
  readonly id: string;
  readonly dimensions: number;
  /** Whether there is an approximate index that can be trusted to go on until it has found enough. */
  readonly canUseIndex: boolean;
};

/**
 * The space of a model; undefined while nothing was embedded with it, or not everything yet. One that was just
 * left answers too: a search may have begun before the switch.
 */
export async function findSpace(
  queryable: Queryable,
  { model, revision = "", dimensions }: EmbeddingModel & { readonly dimensions: number },
): Promise<SpaceToSearch | undefined> {
  const found = await sql<{
    id: string;
    dimensions: number;
    is_broken: boolean;
    vector_version: string | null;
  }>`
    SELECT id, dimensions, index_broken_at IS NOT NULL AS is_broken,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector_version
    FROM embedding_space
    WHERE model = ${model} AND revision = ${revision} AND dimensions = ${dimensions}
      AND status <> 'building'`.execute(queryable);
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const canUseIndex = !row.is_broken && scansOn(row.vector_version) && (await isUsable(queryable, row.id));
  return { id: row.id, dimensions: row.dimensions, canUseIndex };
}

async function isUsable(queryable: Queryable, spaceId: string): Promise<boolean> {
  const found = await sql`
    SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(${indexName(spaceId)}) AND indisvalid`.execute(
    queryable,
  );
  return found.rows.length > 0;
}

/** Since 0.8 pgvector goes on when a filter took away what its index found. */
export function scansOn(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major > 0 || minor >= 8;
}

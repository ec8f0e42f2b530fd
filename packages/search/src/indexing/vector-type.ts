import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/**
 * The type by which vectors of so many dimensions can be indexed: pgvector's indexes take 2,000 numbers of
 * four bytes or 4,000 of two. Undefined: only compared one by one.
 */
export function indexedType(dimensions: number): "vector" | "halfvec" | undefined {
  if (dimensions <= 2000) return "vector";
  return dimensions <= 4000 ? "halfvec" : undefined;
}

const namePrefix = "chunk_embedding_hnsw_";

/** The name of a space's approximate index. */
export function indexName(spaceId: string): string {
  return `${namePrefix}${spaceId.replaceAll("-", "")}`;
}

/** The same in SQL. */
export function indexNameOf(spaceId: RawBuilder<unknown>): RawBuilder<string> {
  return sql<string>`${namePrefix}::text || replace(${spaceId}::text, '-', '')`;
}

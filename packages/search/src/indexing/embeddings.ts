import type { Queryable, Transaction } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import { vectorText } from "./vector-text.ts";

export type EmbeddingSpace = { readonly model: string; readonly dimensions: number };

/** Passages of a source that have no vector of this model yet, in order. */
export async function chunksWithoutEmbedding(
  queryable: Queryable,
  sourceId: string,
  model: string,
  limit: number,
): Promise<{ readonly id: string; readonly text: string }[]> {
  const found = await sql<{ id: string; text: string }>`
    SELECT chunk.id, chunk.text FROM chunk
    WHERE source_id = ${sourceId} AND NOT EXISTS (
      SELECT 1 FROM chunk_embedding JOIN embedding_space ON embedding_space.id = space_id
      WHERE chunk_id = chunk.id AND model = ${model})
    ORDER BY ordinal LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

/** Stores vectors in the space of their model; a vector that is there is left as it is. */
export async function storeEmbeddings(
  transaction: Transaction,
  space: EmbeddingSpace,
  vectors: readonly { readonly chunkId: string; readonly vector: readonly number[] }[],
): Promise<void> {
  if (vectors.length === 0) return;
  await sql`
    INSERT INTO embedding_space (id, model, dimensions, status)
    VALUES (${newId()}, ${space.model}, ${space.dimensions}, 'active')
    ON CONFLICT (model, dimensions) DO NOTHING`.execute(transaction);
  // The join leaves out passages that were removed in the meantime.
  await sql`
    INSERT INTO chunk_embedding (space_id, chunk_id, workspace_id, source_id, embedding)
    SELECT embedding_space.id, chunk.id, chunk.workspace_id, chunk.source_id, fresh.embedding::vector
    FROM unnest(${vectors.map(({ chunkId }) => chunkId)}::uuid[],
                ${vectors.map(({ vector }) => vectorText(vector))}::text[]) AS fresh (chunk_id, embedding)
    JOIN chunk ON chunk.id = fresh.chunk_id
    JOIN embedding_space ON model = ${space.model} AND dimensions = ${space.dimensions}
    ON CONFLICT (space_id, chunk_id) DO NOTHING`.execute(transaction);
}

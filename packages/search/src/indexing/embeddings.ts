import type { Queryable, Transaction } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import type { EmbeddingModel } from "../spaces/embedding-space.ts";
import { vectorText } from "./vector-text.ts";

export type NewEmbedding = { readonly chunkId: string; readonly vector: readonly number[] };

/** Passages of a source that have no vector of this model yet, in order. */
export async function chunksWithoutEmbedding(
  queryable: Queryable,
  sourceId: string,
  { model, revision = "" }: EmbeddingModel,
  limit: number,
): Promise<{ readonly id: string; readonly text: string }[]> {
  const found = await sql<{ id: string; text: string }>`
    SELECT chunk.id, chunk.text FROM chunk
    WHERE source_id = ${sourceId} AND NOT EXISTS (
      SELECT 1 FROM chunk_embedding JOIN embedding_space ON embedding_space.id = space_id
      WHERE chunk_id = chunk.id AND model = ${model} AND revision = ${revision})
    ORDER BY ordinal LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

/**
 * Stores vectors in the space of their model, unless it is retired; a vector that is there is left as it is. The
 * first vectors say how many dimensions a space has. A space that nobody announced is the active one where there is
 * none, else the one to be filled: also a model that gives vectors of another length than it did. False: the space
 * takes no vectors any more.
 */
export async function storeEmbeddings(
  transaction: Transaction,
  space: EmbeddingModel & { readonly dimensions: number },
  vectors: readonly NewEmbedding[],
): Promise<boolean> {
  if (vectors.length === 0) return true;
  const { model, revision = "", dimensions } = space;
  await sql`
    UPDATE embedding_space SET dimensions = ${dimensions}
    WHERE model = ${model} AND revision = ${revision} AND dimensions IS NULL`.execute(transaction);
  await sql`
    INSERT INTO embedding_space (id, model, revision, dimensions, is_built_in, status)
    SELECT ${newId()}, ${model}, ${revision}, ${dimensions}, ${model.startsWith("builtin:")},
           CASE WHEN EXISTS (SELECT 1 FROM embedding_space WHERE status = 'active') THEN 'building' ELSE 'active' END
    ON CONFLICT DO NOTHING`.execute(transaction);
  // The join leaves out passages that were removed in the meantime.
  await sql`
    INSERT INTO chunk_embedding (space_id, chunk_id, workspace_id, source_id, embedding)
    SELECT embedding_space.id, chunk.id, chunk.workspace_id, chunk.source_id, fresh.embedding::vector
    FROM unnest(${vectors.map(({ chunkId }) => chunkId)}::uuid[],
                ${vectors.map(({ vector }) => vectorText(vector))}::text[]) AS fresh (chunk_id, embedding)
    JOIN chunk ON chunk.id = fresh.chunk_id
    JOIN embedding_space ON model = ${model} AND revision = ${revision} AND dimensions = ${dimensions}
      AND status <> 'retired'
    ON CONFLICT (space_id, chunk_id) DO NOTHING`.execute(transaction);
  const open = await sql`
    SELECT 1 FROM embedding_space
    WHERE model = ${model} AND revision = ${revision} AND dimensions = ${dimensions} AND status <> 'retired'`.execute(
    transaction,
  );
  return open.rows.length > 0;
}

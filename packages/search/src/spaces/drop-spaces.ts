import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** Vectors deleted in one statement: some ten milliseconds, so that others get in between. */
const batchSize = 2_000;

/**
 * A space that was left is kept for so long: searches that began in it end in it, and who turns back to its model
 * within the time has its vectors still.
 */
const keptMs = 3_600_000;

/**
 * Deletes retired spaces with their vectors, a batch at a time; the approximate index goes before, with
 * `keepVectorIndexes`. May be stopped in its midst, and may run twice at once.
 */
export async function dropRetiredSpaces(
  database: QueryAccess,
  signal: AbortSignal,
  { olderThanMs = keptMs }: { readonly olderThanMs?: number } = {},
): Promise<{ readonly model: string; readonly vectors: number }[]> {
  const { queryable } = database;
  const before = sql`clock_timestamp() - make_interval(secs => ${olderThanMs / 1000}::float8)`;
  const found = await sql<{ id: string; model: string }>`
    SELECT id, model FROM embedding_space WHERE status = 'retired' AND retired_at <= ${before}
    ORDER BY id`.execute(queryable);
  const dropped: { model: string; vectors: number }[] = [];
  for (const { id, model } of found.rows) {
    let vectors = 0;
    for (let last = batchSize; last === batchSize && !signal.aborted; vectors += last) {
      const deleted = await sql`
        DELETE FROM chunk_embedding WHERE (space_id, chunk_id) IN (
          SELECT space_id, chunk_id FROM chunk_embedding
          WHERE space_id = (SELECT id FROM embedding_space WHERE id = ${id} AND status = 'retired')
          LIMIT ${batchSize})`.execute(queryable);
      last = Number(deleted.numAffectedRows ?? 0);
    }
    if (signal.aborted) break;
    const gone = await sql`
      DELETE FROM embedding_space WHERE id = ${id} AND status = 'retired' AND retired_at <= ${before}
        AND NOT EXISTS (SELECT 1 FROM chunk_embedding WHERE space_id = ${id})
      RETURNING id`.execute(queryable);
    if (gone.rows.length > 0) dropped.push({ model, vectors });
  }
  return dropped;
}

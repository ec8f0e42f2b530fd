import type { Queryable, QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { beforeAll } from "./walk-passages.ts";

/** Passages whose vectors are deleted in one statement: some ten milliseconds, so that others get in between. */
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
    const vectors = await deleteVectors(queryable, id, signal);
    if (signal.aborted) break;
    const gone = await sql`
      DELETE FROM embedding_space WHERE id = ${id} AND status = 'retired' AND retired_at <= ${before}
        AND (SELECT chunk_id FROM chunk_embedding WHERE space_id = ${id} ORDER BY chunk_id LIMIT 1) IS NULL
      RETURNING id`.execute(queryable);
    if (gone.rows.length > 0) dropped.push({ model, vectors });
  }
  return dropped;
}

/**
 * From passage to passage: what was deleted is passed no second time, as it would be by whoever looks for the next
 * vectors of the space. OFFSET 0 has the server look for a passage's vectors by the passage: how many the space has
 * left it does not know.
 */
async function deleteVectors(queryable: Queryable, id: string, signal: AbortSignal): Promise<number> {
  let vectors = 0;
  for (let after: string | null = beforeAll; after !== null && !signal.aborted;) {
    const deleted: { rows: { place: string | null; vectors: number }[] } = await sql<{
      place: string | null;
      vectors: number;
    }>`
      WITH ahead AS MATERIALIZED (
        SELECT id FROM chunk WHERE id > ${after}::uuid ORDER BY id LIMIT ${batchSize}),
      gone AS (
        DELETE FROM chunk_embedding WHERE ctid = ANY (ARRAY(
          SELECT at FROM ahead CROSS JOIN LATERAL (
            SELECT ctid AS at, space_id FROM chunk_embedding WHERE chunk_id = ahead.id OFFSET 0) AS vector
          WHERE space_id = (SELECT id FROM embedding_space WHERE id = ${id} AND status = 'retired')))
        RETURNING 1)
      SELECT (SELECT id FROM ahead ORDER BY id DESC LIMIT 1) AS place, (SELECT count(*) FROM gone)::int AS vectors`.execute(
      queryable,
    );
    vectors += deleted.rows[0]?.vectors ?? 0;
    after = deleted.rows[0]?.place ?? null;
  }
  return vectors;
}

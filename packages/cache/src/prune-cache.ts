import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** Small enough that a delete holds its locks for milliseconds. */
const batch = 1_000;
const maxBatches = 50;
/** Untuned: far above what is worth keeping, far below what would trouble the database. */
const defaultLimits = { maxEntries: 100_000, maxBytes: 512 * 1_048_576 };
/** The others are locks of those who compute a value. They end soon, and take no room. */
const hasValue = sql`value IS NOT NULL`;

export type TableLimits = typeof defaultLimits;

/**
 * Deletes what has expired from the cache's table, and the values that are the nearest to their end while there
 * are more than 100,000 or 512 MiB. In batches; ends with the one at hand when the signal aborts. Any number of
 * processes may do it at once. Returns how many it deleted.
 */
export async function pruneCache(
  database: QueryAccess,
  { signal, ...limits }: Partial<TableLimits> & { readonly signal?: AbortSignal } = {},
): Promise<number> {
  const { maxEntries, maxBytes } = { ...defaultLimits, ...limits };
  let count = 0;
  for (let batches = 0; batches < maxBatches; batches++) {
    if (signal?.aborted === true) return count;
    const gone = await deleteFirst(database, sql`expires_at < now()`, batch);
    count += gone;
    if (gone < batch) break;
  }
  for (let batches = 0; batches < maxBatches; batches++) {
    if (signal?.aborted === true) return count;
    const { entries, bytes } = await measure(database);
    if (entries <= maxEntries && bytes <= maxBytes) break;
    // By bytes nobody knows how many are enough: a tenth, and then look again.
    const wanted = Math.max(1, entries - maxEntries, bytes > maxBytes ? Math.ceil(entries / 10) : 0);
    count += await deleteFirst(database, hasValue, Math.min(batch, wanted));
  }
  return count;
}

async function deleteFirst(
  database: QueryAccess,
  condition: ReturnType<typeof sql>,
  limit: number,
): Promise<number> {
  const gone = await sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM cache_entry WHERE key IN (
        SELECT key FROM cache_entry WHERE ${condition} ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING key
    )
    SELECT count(*)::integer AS count FROM gone`.execute(database.queryable);
  return gone.rows[0]?.count ?? 0;
}

async function measure(database: QueryAccess): Promise<{ entries: number; bytes: number }> {
  const found = await sql<{ entries: number; bytes: number }>`
    SELECT count(*)::double precision AS entries, coalesce(sum(bytes), 0)::double precision AS bytes
    FROM cache_entry WHERE ${hasValue}`.execute(database.queryable);
  return found.rows[0] ?? { entries: 0, bytes: 0 };
}

import type { Database } from "@millrace/database";
import { sql } from "kysely";

/** Below these a table is left alone: as PostgreSQL's own autovacuum is set for the job table. */
const minChanges = 1_000;
const changedShare = 0.1;

type Changed = { readonly name: string };

/**
 * Frees what updates and deletes have left in the tables of the embedded database, and renews their
 * statistics: it has no autovacuum. Table by table, those first that changed most, until the signal.
 * Returns how many. With PostgreSQL it does nothing.
 */
export async function vacuumEmbedded(database: Database, signal?: AbortSignal): Promise<number> {
  if (database.kind !== "embedded") return 0;
  const { queryable } = database.background;
  const found = await sql<Changed>`
    SELECT quote_ident(relname) AS name FROM pg_stat_user_tables
    WHERE n_dead_tup + n_mod_since_analyze > ${minChanges} + ${changedShare}::double precision * n_live_tup
    ORDER BY n_dead_tup + n_mod_since_analyze DESC`.execute(queryable);
  let done = 0;
  for (const { name } of found.rows) {
    if (signal?.aborted) break;
    await sql.raw(`VACUUM (ANALYZE, TRUNCATE false) ${name}`).execute(queryable);
    done++;
  }
  return done;
}

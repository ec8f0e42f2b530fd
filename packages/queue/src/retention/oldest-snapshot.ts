import type { Database } from "@millrace/database";
import { sql } from "kysely";

/**
 * For how many seconds the oldest open transaction of anybody on this database has kept what was deleted
 * and updated since from being cleaned up: sessions, prepared transactions, and replication slots that
 * nobody reads (from PostgreSQL 17 on). Above a minute the queue begins to slow down. 0 when there is
 * none, and on the embedded database, which has one connection. Of other users' sessions it sees only
 * those that the user of the connection may see (`pg_read_all_stats`).
 */
export async function oldestSnapshotSeconds(database: Database): Promise<number> {
  if (database.kind === "embedded") return 0;
  const found = await sql<{ seconds: number }>`
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::double precision AS seconds FROM (
      -- What vacuum itself holds does not stand in its way.
      SELECT xact_start AS since FROM pg_stat_activity
      WHERE (datname = current_database() OR backend_type = 'walsender') AND pid <> pg_backend_pid()
        AND backend_type <> 'autovacuum worker'
        AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR state LIKE 'idle in transaction%')
      UNION ALL
      SELECT prepared FROM pg_prepared_xacts WHERE database = current_database()
      UNION ALL
      -- As JSON, because an older PostgreSQL has no such column.
      SELECT (to_jsonb(slot) ->> 'inactive_since')::timestamptz FROM pg_replication_slots AS slot
      WHERE xmin IS NOT NULL AND NOT active
    ) AS held`.execute(database.queryable);
  return found.rows[0]?.seconds ?? 0;
}

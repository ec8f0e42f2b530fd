import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

type Measured = {
  readonly name: string;
  /** With its indexes. */
  readonly bytes: number;
  /** As the database estimates. */
  readonly rows: number;
  readonly dead_rows: number;
};

/** How large each table is, the largest first, and all of them together. */
export async function measureTables(
  queryable: Queryable,
): Promise<{ readonly bytes: number; readonly tables: readonly Measured[] }> {
  const found = await sql<Measured>`
    SELECT relname::text AS name, pg_total_relation_size(relid)::double precision AS bytes,
           n_live_tup::double precision AS rows, n_dead_tup::double precision AS dead_rows
    FROM pg_stat_user_tables ORDER BY bytes DESC, name`.execute(queryable);
  return { bytes: found.rows.reduce((sum, { bytes }) => sum + bytes, 0), tables: found.rows };
}

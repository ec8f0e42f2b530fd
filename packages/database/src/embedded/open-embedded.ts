import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Kysely } from "kysely";
import type { Database } from "../database.ts";
import { runTransaction } from "../run-transaction.ts";
import { PgliteConnection } from "./pglite-connection.ts";
import { pgliteDialect } from "./pglite-dialect.ts";

/**
 * Opens the embedded PostgreSQL (PGlite with pgvector) in `folder`/database, or in memory when
 * folder is null. The caller holds the folder's lock. Survives a killed process; a power cut is
 * not promised, since PGlite does not wait for the disk.
 */
export async function openEmbedded(folder: string | null): Promise<Database> {
  if (folder !== null) await mkdir(folder, { recursive: true, mode: 0o700 });
  const connection = await PgliteConnection.open(folder === null ? null : path.join(folder, "database"));
  const kysely: Database["queryable"] = new Kysely({ dialect: pgliteDialect(connection) });
  return {
    kind: "embedded",
    description: "embedded PostgreSQL (PGlite)",
    queryable: kysely,
    transaction: (work) => runTransaction(kysely, work),
    close: () => kysely.destroy(),
  };
}

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Kysely } from "kysely";
import type { Database, Queryable, QueryAccess } from "../database.ts";
import { runTransaction } from "../run-transaction.ts";
import { PgliteConnection } from "./pglite-connection.ts";
import { pgliteDialect } from "./pglite-dialect.ts";
import { Turns } from "./turns.ts";
import type { Precedence } from "./turns.ts";

/** A wait this long means a mistake in our code, not load: the longest transactions take under a second. */
const turnWaitMs = 30_000;

/**
 * Opens the embedded PostgreSQL (PGlite with pgvector) in `folder`/database, or in memory when
 * folder is null. The caller holds the folder's lock. Survives a killed process; a power cut is
 * not promised, since PGlite does not wait for the disk.
 */
export async function openEmbedded(folder: string | null): Promise<Database> {
  if (folder !== null) await mkdir(folder, { recursive: true, mode: 0o700 });
  const connection = await PgliteConnection.open(folder === null ? null : path.join(folder, "database"));
  const turns = new Turns(turnWaitMs);
  const open = (precedence: Precedence): QueryAccess => {
    const queryable: Queryable = new Kysely({ dialect: pgliteDialect({ connection, turns, precedence }) });
    return { queryable, transaction: (work) => runTransaction(queryable, work) };
  };
  return {
    kind: "embedded",
    description: "embedded PostgreSQL (PGlite)",
    ...open("foreground"),
    background: open("background"),
    close: () => connection.close(),
  };
}

import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { closableDatabase } from "../closable-database.ts";
import type { Database } from "../database.ts";
import { embeddedDatabaseDamaged, embeddedDatabaseNotCreated } from "../errors.ts";
import { PgliteConnection } from "./pglite-connection.ts";
import { pgliteDialect } from "./pglite-dialect.ts";
import { Turns } from "./turns.ts";

/** A wait this long means a mistake in our code, not load: the longest transactions take under a second. */
const turnWaitMs = 30_000;

/**
 * Opens the embedded PostgreSQL (PGlite with pgvector) in `folder`/database, or in memory when
 * folder is null. The caller holds the folder's lock. Survives a killed process; a power cut is
 * not promised, since PGlite does not wait for the disk. What is there and can't be opened is never
 * replaced by a new database: `embedded_database_damaged`.
 */
export async function openEmbedded(folder: string | null): Promise<Database> {
  const connection = folder === null ? await PgliteConnection.open(null) : await openFolder(folder);
  const turns = new Turns(turnWaitMs);
  return closableDatabase({
    kind: "embedded",
    description: "embedded PostgreSQL (PGlite)",
    dialect: pgliteDialect({ connection, turns, precedence: "foreground" }),
    backgroundDialect: pgliteDialect({ connection, turns, precedence: "background" }),
    end: () => connection.close(),
  });
}

async function openFolder(folder: string): Promise<PgliteConnection> {
  const target = path.join(folder, "database");
  const names = await listNames(target);
  if (names.length === 0) await create(folder, target);
  // Without this file PGlite would make an empty database over whatever is there.
  else if (!names.includes("PG_VERSION")) throw embeddedDatabaseDamaged(path.resolve(target));
  try {
    return await PgliteConnection.open(target);
  } catch (error) {
    throw embeddedDatabaseDamaged(path.resolve(target), error);
  }
}

/** Beside its place and moved when complete: a process killed meanwhile leaves no half database. */
async function create(folder: string, target: string): Promise<void> {
  const unfinished = `${target}.unfinished`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rm(unfinished, { recursive: true, force: true });
    const connection = await PgliteConnection.open(unfinished);
    await connection.close();
    await rmdir(target).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await rename(unfinished, target);
  } catch (error) {
    throw embeddedDatabaseNotCreated(path.resolve(folder), error);
  }
}

/** The names in a folder; none when it does not exist. */
async function listNames(target: string): Promise<string[]> {
  try {
    return await readdir(target);
  } catch (error) {
    if (isMissing(error)) return [];
    throw embeddedDatabaseDamaged(path.resolve(target), error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

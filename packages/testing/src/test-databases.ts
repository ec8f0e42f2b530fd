import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { migrate, openEmbedded, openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { prepareDatabase } from "./prepared-database.ts";

export type TestDatabase = {
  readonly database: Database;
  /** Of a database that other processes can reach too; undefined for the embedded one. */
  readonly url: string | undefined;
  /** The same database through pgBouncer in transaction mode, where the machine has it. */
  readonly pgbouncerUrl: string | undefined;
  /** Closes the connections and removes the database. */
  readonly close: () => Promise<void>;
};

export type TestDatabaseKind = {
  readonly name: "embedded" | "postgres";
  /** A new, empty database of its own, with all migrations unless `isMigrated` is false. */
  readonly open: (options?: { readonly isMigrated?: boolean }) => Promise<TestDatabase>;
};

/**
 * The kinds of database there are on this machine, for `describe.each`: the embedded one
 * always, PostgreSQL when MILLRACE_TEST_DATABASE_URL names a server where databases may be created.
 */
export function testDatabases(): readonly TestDatabaseKind[] {
  const embedded: TestDatabaseKind = { name: "embedded", open: openTestEmbedded };
  const serverUrl = process.env.MILLRACE_TEST_DATABASE_URL;
  if (serverUrl === undefined || serverUrl === "") return [embedded];
  return [embedded, { name: "postgres", open: (options) => openTestPostgres(serverUrl, options) }];
}

/**
 * An embedded database of its own, with all migrations unless `isMigrated` is false; gone when it is closed.
 * Most tests end before code is optimised that was worth it, and that takes a third of their time: a test that
 * runs for minutes says `isLong`.
 */
export async function openTestDatabase(options?: {
  readonly isMigrated?: boolean;
  readonly isLong?: boolean;
}): Promise<Database> {
  if (options?.isLong !== true)
    for (const flag of ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"]) setFlagsFromString(flag);
  const folder = await mkdtemp(join(tmpdir(), "millrace-test-database-"));
  await prepareDatabase(folder, options);
  const database = await openEmbedded(folder);
  // A copy is the same installation; this is to be one of its own.
  if (options?.isMigrated !== false)
    await sql`UPDATE installation SET id = DEFAULT`.execute(database.background.queryable);
  const close = async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...database, close };
}

async function openTestEmbedded(options?: { readonly isMigrated?: boolean }): Promise<TestDatabase> {
  const database = await openTestDatabase(options);
  return { database, url: undefined, pgbouncerUrl: undefined, close: () => database.close() };
}

async function openTestPostgres(
  serverUrl: string,
  options?: { readonly isMigrated?: boolean },
): Promise<TestDatabase> {
  const name = `millrace_test_${newId().replaceAll("-", "")}`;
  await onServer(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = withName(serverUrl, name);
  const pooler = process.env.MILLRACE_TEST_PGBOUNCER_URL;
  const database = openPostgres({ url, poolSize: 8, logger: silentLogger });
  const close = async () => {
    await database.close();
    // FORCE also ends the connections that pgBouncer keeps open to it.
    await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  try {
    if (options?.isMigrated !== false) await migrate(database);
  } catch (error) {
    await close();
    throw error;
  }
  const pgbouncerUrl = pooler === undefined || pooler === "" ? undefined : withName(pooler, name);
  return { database, url, pgbouncerUrl, close };
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const server = openPostgres({ url: serverUrl, poolSize: 1, logger: silentLogger });
  try {
    await sql.raw(statement).execute(server.queryable);
  } finally {
    await server.close();
  }
}

function withName(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

import { CompiledQuery, sql } from "kysely";
import type { Database, Transaction } from "../database.ts";
import { schemaMismatch, sqlFailure } from "../errors.ts";
import { lockMigrations } from "./migration-lock.ts";
import { readMigrations } from "./read-migrations.ts";
import type { Migration } from "./read-migrations.ts";

type AppliedRow = { version: number; name: string; checksum: string; is_breaking: boolean };

/**
 * Applies what is missing, each migration in one transaction that holds an advisory lock and first
 * records the version, so that any number of processes may call this at once. Returns the versions
 * that this call applied. Throws `schema_mismatch` and changes nothing when a newer program's breaking
 * migration is there, or one of ours in another wording. Behind a pooler, give it a database opened with the direct URL.
 */
export async function migrate(database: Database): Promise<number[]> {
  const migrations = await readMigrations();
  await database.transaction(createVersionTable);
  refuseUnfit(await readApplied(database), migrations);
  const applied: number[] = [];
  for (const migration of migrations) {
    const isNew = await database.transaction((transaction) => applyOne(transaction, migration));
    if (isNew) applied.push(migration.version);
  }
  return applied;
}

async function createVersionTable(transaction: Transaction): Promise<void> {
  await lockMigrations(transaction);
  await sql`
    CREATE TABLE IF NOT EXISTS schema_migration (
      version integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      is_breaking boolean NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`.execute(transaction);
}

async function applyOne(transaction: Transaction, migration: Migration): Promise<boolean> {
  await lockMigrations(transaction);
  const inserted = await sql<{ version: number }>`
    INSERT INTO schema_migration (version, name, checksum, is_breaking)
    VALUES (${migration.version}, ${migration.name}, ${migration.checksum}, ${migration.isBreaking})
    ON CONFLICT (version) DO NOTHING RETURNING version`.execute(transaction);
  if (inserted.rows.length === 0) return false;
  await sql`SET LOCAL lock_timeout = '10s'`.execute(transaction);
  await transaction.executeQuery(CompiledQuery.raw(migration.sql));
  return true;
}

/**
 * Whether this program may run against the database: its migrations are all applied as they are
 * written, and none that it does not know is breaking. Throws `schema_mismatch` saying what to do.
 */
export async function assertSchemaMatches(database: Database): Promise<void> {
  const known = await readMigrations();
  const applied = await readApplied(database);
  const missing = known.filter((migration) => !applied.some((row) => row.version === migration.version));
  if (missing.length > 0) {
    throw schemaMismatch(
      `The database lacks ${missing.length} migration(s), first ${missing[0]?.version}. Run: millrace migrate`,
    );
  }
  refuseUnfit(applied, known);
}

function refuseUnfit(applied: readonly AppliedRow[], known: readonly Migration[]): void {
  const breaking = applied.find((row) => row.version > known.length && row.is_breaking);
  if (breaking !== undefined) {
    throw schemaMismatch(
      `The database was changed by a newer Millrace (migration ${breaking.version}, ${breaking.name}). Update this server.`,
    );
  }
  const changed = known.find((migration) =>
    applied.some((row) => row.version === migration.version && row.checksum !== migration.checksum),
  );
  if (changed !== undefined) {
    throw schemaMismatch(
      `Migration ${changed.version} (${changed.name}) was applied in another wording, so the database may differ from what this server expects. Use the Millrace that made the database or a release after it, or start with a new database.`,
    );
  }
}

async function readApplied(database: Database): Promise<AppliedRow[]> {
  try {
    const result = await sql<AppliedRow>`
      SELECT version, name, checksum, is_breaking FROM schema_migration ORDER BY version`.execute(
      database.queryable,
    );
    return result.rows;
  } catch (error) {
    const tableIsMissing = sqlFailure(error)?.sqlState === "42P01";
    if (tableIsMissing) return [];
    throw error;
  }
}

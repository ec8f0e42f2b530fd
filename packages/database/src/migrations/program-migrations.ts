import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { toError } from "@millrace/kernel";
import { CompiledQuery, sql } from "kysely";
import type { Database, Transaction } from "../database.ts";
import { migrationFailed, schemaMismatch } from "../errors.ts";
import { lockMigrations } from "./migration-lock.ts";

type ProgramMigration = { readonly name: string; readonly sql: string; readonly checksum: string };

/** What would end the transaction in which the migration is recorded. */
const endsTransaction = /^\s*(?:begin|start\s+transaction|commit|rollback)\s*;/im;

/**
 * Applies the migrations that a program brings along, after ours: each `*.sql` of the folder that the
 * database has not seen, in the order of their names, each in one transaction that records it. Any number of
 * processes may call this at once. Returns the names that this call applied. Throws `schema_mismatch` for one
 * that was applied in another wording, and `migration_failed` naming file and line.
 */
export async function migrateProgram(database: Database, folder: string): Promise<string[]> {
  const migrations = await readProgramMigrations(folder);
  if (migrations.length === 0) return [];
  await database.transaction(createTable);
  refuseChanged(await readApplied(database), migrations);
  const applied: string[] = [];
  for (const migration of migrations) {
    if (await database.transaction((transaction) => applyOne(transaction, migration))) {
      applied.push(migration.name);
    }
  }
  return applied;
}

/** For a process that must not change the schema. Throws `schema_mismatch`, saying what to do. */
export async function assertProgramMigrated(database: Database, folder: string): Promise<void> {
  const migrations = await readProgramMigrations(folder);
  if (migrations.length === 0) return;
  const applied = await readApplied(database);
  const missing = migrations.find(({ name }) => !applied.has(name));
  if (missing !== undefined) {
    throw schemaMismatch(`The database lacks your migration ${missing.name}. Run: millrace migrate`);
  }
  refuseChanged(applied, migrations);
}

async function readProgramMigrations(folder: string): Promise<ProgramMigration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).toSorted();
  return await Promise.all(
    names.map(async (name) => {
      const text = (await readFile(path.join(folder, name), "utf8")).replaceAll("\r\n", "\n");
      if (endsTransaction.test(text)) {
        throw migrationFailed(name, "it begins or ends a transaction; each migration already runs in one.");
      }
      return { name, sql: text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

async function createTable(transaction: Transaction): Promise<void> {
  await lockMigrations(transaction);
  await sql`
    CREATE TABLE IF NOT EXISTS program_migration (
      name text PRIMARY KEY,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`.execute(transaction);
}

async function applyOne(
  transaction: Transaction,
  { name, ...migration }: ProgramMigration,
): Promise<boolean> {
  await lockMigrations(transaction);
  const inserted = await sql`
    INSERT INTO program_migration (name, checksum) VALUES (${name}, ${migration.checksum})
    ON CONFLICT (name) DO NOTHING RETURNING name`.execute(transaction);
  if (inserted.rows.length === 0) return false;
  await sql`SET LOCAL lock_timeout = '10s'`.execute(transaction);
  try {
    await transaction.executeQuery(CompiledQuery.raw(migration.sql));
  } catch (error) {
    const line = lineOf(migration.sql, error);
    throw migrationFailed(line === undefined ? name : `${name}:${line}`, `${toError(error).message}.`, error);
  }
  return true;
}

/** Where PostgreSQL saw the mistake: it counts characters from 1. */
function lineOf(text: string, error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("position" in error)) return undefined;
  const position = Number(error.position);
  return position > 0 ? text.slice(0, position - 1).split("\n").length : undefined;
}

function refuseChanged(applied: ReadonlyMap<string, string>, migrations: readonly ProgramMigration[]): void {
  const changed = migrations.find(({ name, checksum }) => (applied.get(name) ?? checksum) !== checksum);
  if (changed === undefined) return;
  throw schemaMismatch(
    `Your migration ${changed.name} was applied in another wording, so the database may differ from what your program expects. Put its text back, and write a new migration for the change.`,
  );
}

/** Checksums by name; none where no program has ever brought a migration. */
async function readApplied({ queryable }: Database): Promise<Map<string, string>> {
  const table = await sql<{ found: boolean }>`
    SELECT to_regclass('program_migration') IS NOT NULL AS found`.execute(queryable);
  if (table.rows[0]?.found !== true) return new Map();
  const known = await sql<{ name: string; checksum: string }>`
    SELECT name, checksum FROM program_migration`.execute(queryable);
  return new Map(known.rows.map(({ name, checksum }) => [name, checksum]));
}

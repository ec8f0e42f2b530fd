import { sql } from "kysely";
import type { Transaction } from "../database.ts";

/** Any number that nothing else in the database uses as an advisory lock. */
const migrationLock = 7_101_936;

/** Until the transaction ends nobody else migrates. */
export async function lockMigrations(transaction: Transaction): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${migrationLock}::bigint)`.execute(transaction);
}

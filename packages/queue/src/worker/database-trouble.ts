import { databaseUnavailable, isTransactionConflict } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

const ownCodes: ReadonlySet<string> = new Set([
  "database_unavailable",
  "database_wait_expired",
  "database_closed",
]);

/** Whether the same statements may work later: the database is away, busy, or had a conflict. */
export function mayPassLater(error: unknown): boolean {
  const isOurs =
    typeof error === "object" &&
    error !== null &&
    // An error that came from another process may be a plain one with the same code.
    "code" in error &&
    typeof error.code === "string" &&
    ownCodes.has(error.code);
  return isOurs || databaseUnavailable(error) !== undefined || isTransactionConflict(error);
}

/**
 * Whether what a handler threw was the database's failure and not its own. A refused or lost
 * connection may also be one of the handler's to somewhere else: then the database is asked.
 */
export async function isDatabaseTrouble(error: unknown, database: QueryAccess): Promise<boolean> {
  if (!mayPassLater(error)) return false;
  if (!isSystemError(error)) return true;
  try {
    await sql`SELECT 1`.execute(database.queryable);
    return false;
  } catch (failure) {
    return mayPassLater(failure);
  }
}

function isSystemError(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "code" in error && /^E[A-Z_]+$/.test(String(error.code))
  );
}

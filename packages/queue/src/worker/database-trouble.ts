import { databaseUnavailable, isTransactionConflict } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

const givenBackCode = "database_connection_given_back";
const ownCodes: ReadonlySet<string> = new Set([
  "database_unavailable",
  "database_wait_expired",
  "database_closed",
  givenBackCode,
]);

/** Whether the same statements may work later: the database is away, busy, or had a conflict. */
export function mayPassLater(error: unknown): boolean {
  return (
    ownCodes.has(codeOf(error) ?? "") ||
    databaseUnavailable(error) !== undefined ||
    isTransactionConflict(error)
  );
}

/**
 * Whether the worker took back the connection of a job in a process of its own, and undid what was open on
 * it: either of the two stood still meanwhile, or the job's own code does slow work in a transaction.
 */
export function wasGivenBack(error: unknown): boolean {
  return codeOf(error) === givenBackCode;
}

/**
 * Whether what a handler threw was the database's failure and not its own. A refused or lost
 * connection may also be one of the handler's to somewhere else: then the database is asked. A transaction
 * that stood still is the handler's: uncounted it would hold up everybody again and again.
 */
export async function isDatabaseTrouble(error: unknown, database: QueryAccess): Promise<boolean> {
  if (!mayPassLater(error) || wasGivenBack(error)) return false;
  if (!isSystemError(error)) return true;
  try {
    await sql`SELECT 1`.execute(database.queryable);
    return false;
  } catch (failure) {
    return mayPassLater(failure);
  }
}

function isSystemError(error: unknown): boolean {
  return /^E[A-Z_]+$/.test(codeOf(error) ?? "");
}

/** An error that came from another process may be a plain one with the same code as ours. */
function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

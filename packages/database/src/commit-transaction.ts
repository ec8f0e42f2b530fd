import { AbortedTransactionError, CompiledQuery } from "kysely";
import type { DatabaseConnection } from "kysely";

/**
 * Commits as Kysely's driver for PostgreSQL does. When a statement was refused, the database undoes the
 * transaction and answers COMMIT with ROLLBACK, not with an error: unread, what is lost would pass for kept.
 */
export async function commitTransaction(connection: DatabaseConnection): Promise<void> {
  const { rows } = await connection.executeQuery<{ command?: string }>(CompiledQuery.raw("commit"));
  if (rows[0]?.command === "ROLLBACK") throw new AbortedTransactionError();
}

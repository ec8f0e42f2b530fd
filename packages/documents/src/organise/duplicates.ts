import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";

/** Lets nobody else take in the same bytes for this workspace until the transaction ends. */
export async function lockContent(
  transaction: Transaction,
  workspaceId: string,
  hash: string,
): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended(${`document content ${workspaceId} ${hash}`}, 0))`.execute(
    transaction,
  );
}

/** The first document of a workspace with these bytes, whatever became of it; not what is in the trash. */
export async function findOldestCopy(
  queryable: Queryable,
  workspaceId: string,
  hash: string,
): Promise<{ readonly id: string; readonly title: string } | undefined> {
  const found = await sql<{ id: string; title: string }>`
    SELECT id, title FROM document
    WHERE workspace_id = ${workspaceId} AND content_hash = ${hash} AND trashed_at IS NULL
    ORDER BY id LIMIT 1`.execute(queryable);
  return found.rows[0];
}

import type { Transaction } from "@millrace/database";
import { forgetStream } from "@millrace/queue";
import { hideSource, removeSource, showSource } from "@millrace/search";
import { sql } from "kysely";

/** Puts a document whose row is locked, and whose job has been cancelled, into the trash: nothing of it is lost. */
export async function moveToTrash(transaction: Transaction, id: string, days: number): Promise<void> {
  await sql`
    UPDATE document SET trashed_at = now(), purge_at = now() + ${days}::int * interval '1 day', updated_at = now()
    WHERE id = ${id}`.execute(transaction);
  await hideSource(transaction, id);
}

/** Takes a document whose row is locked out of the trash, as it was put in. */
export async function takeFromTrash(transaction: Transaction, id: string): Promise<void> {
  await sql`
    UPDATE document SET trashed_at = NULL, purge_at = NULL, updated_at = now() WHERE id = ${id}`.execute(
    transaction,
  );
  await showSource(transaction, id);
}

/** Deletes a document whose row is locked for good, but for its file: see `removeUnusedFile`, when this has been committed. */
export async function deleteRows(transaction: Transaction, id: string): Promise<void> {
  await removeSource(transaction, id);
  await sql`DELETE FROM document WHERE id = ${id}`.execute(transaction);
  await forgetStream(transaction, `document:${id}`);
}

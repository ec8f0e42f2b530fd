import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { keysOfContent } from "./file-key.ts";
import type { FileStore, StoredFile } from "./file-store.ts";

/**
 * Which file a document with these bytes is to have: that of another document with the same ones, in whatever
 * workspace, or the new one. Until the transaction ends, nobody else takes in the same bytes, and a document whose
 * file it is can't be deleted: so from here on there is always one that has the file, and nobody removes it. To be
 * called before the transaction locks anything that others lock together with documents.
 */
export async function chooseFile(
  transaction: Transaction,
  files: Pick<FileStore, "has">,
  { key, sha256 }: Pick<StoredFile, "key" | "sha256">,
): Promise<string> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`stored file ${sha256}`}, 0))`.execute(
    transaction,
  );
  const found = await lockSharedFile(sha256).execute(transaction);
  const shared = found.rows[0]?.file_key;
  // What was lost from the folder is stored again rather than missed by one more document.
  return shared !== undefined && (await files.has(shared)) ? shared : key;
}

/** The newest file of these bytes that a document has, whose row it locks against deletion. */
export function lockSharedFile(sha256: string): RawBuilder<{ readonly file_key: string }> {
  const { first, last } = keysOfContent(sha256);
  return sql`
    SELECT file_key FROM document WHERE file_key BETWEEN ${first} AND ${last}
    ORDER BY file_key DESC LIMIT 1 FOR KEY SHARE`;
}

/**
 * Removes the file of a document whose deletion has been committed, unless another document has it. Needs no lock: a
 * file that no document has any more is never given to one again; see `chooseFile`.
 */
export async function removeUnusedFile(
  queryable: Queryable,
  files: Pick<FileStore, "remove">,
  key: string,
): Promise<void> {
  if ((await knownFileKeys(queryable, [key])).size === 0) await files.remove(key);
}

/** Which of these stored files belong to a document. */
export async function knownFileKeys(queryable: Queryable, keys: readonly string[]): Promise<Set<string>> {
  const found = await sql<{ file_key: string }>`
    SELECT DISTINCT file_key FROM document WHERE file_key = ANY(${[...keys]}::text[])`.execute(queryable);
  return new Set(found.rows.map((row) => row.file_key));
}

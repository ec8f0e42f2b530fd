import { maxTags } from "@millrace/contracts";
import type { TagCount } from "@millrace/contracts";
import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";
import { tooManyTags } from "../errors.ts";
import { escapeLike } from "../read-documents.ts";

/** Adds tags to a document whose row is locked; whether there were new ones. Throws `too_many_tags`. */
export async function addTags(
  transaction: Transaction,
  documentId: string,
  tags: readonly string[],
): Promise<boolean> {
  const added = await sql`
    INSERT INTO document_tag (document_id, tag, workspace_id)
    SELECT document.id, tag, workspace_id FROM document, unnest(${[...tags]}::text[]) AS tag
    WHERE document.id = ${documentId}
    ON CONFLICT DO NOTHING RETURNING 1`.execute(transaction);
  const counted = await sql<{ count: number }>`
    SELECT count(*) AS count FROM document_tag WHERE document_id = ${documentId}`.execute(transaction);
  if ((counted.rows[0]?.count ?? 0) > maxTags) throw tooManyTags(documentId);
  return added.rows.length > 0;
}

/** Takes tags from a document; whether it had any of them. */
export async function removeTags(
  transaction: Transaction,
  documentId: string,
  tags: readonly string[],
): Promise<boolean> {
  const removed = await sql`
    DELETE FROM document_tag WHERE document_id = ${documentId} AND tag = ANY(${[...tags]}::text[])
    RETURNING 1`.execute(transaction);
  return removed.rows.length > 0;
}

/** Gives a document whose row is locked these tags and no others. */
export async function setTags(
  transaction: Transaction,
  documentId: string,
  tags: readonly string[],
): Promise<void> {
  await sql`
    DELETE FROM document_tag WHERE document_id = ${documentId} AND tag <> ALL(${[...tags]}::text[])`.execute(
    transaction,
  );
  await addTags(transaction, documentId, tags);
}

/** Tags of a workspace in the order of their characters, with how many documents have them outside of the trash. */
export async function listTags(
  queryable: Queryable,
  workspaceId: string,
  page: {
    readonly search: string | undefined;
    /** The last of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<TagCount[]> {
  const { search = "", after = "", limit } = page;
  const found = await sql<TagCount>`
    SELECT tag, count(*) AS document_count FROM document_tag JOIN document ON document.id = document_id
    WHERE document_tag.workspace_id = ${workspaceId} AND trashed_at IS NULL
      AND tag LIKE ${`${escapeLike(search)}%`} AND tag COLLATE "C" > ${after}
    GROUP BY tag ORDER BY tag COLLATE "C" LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

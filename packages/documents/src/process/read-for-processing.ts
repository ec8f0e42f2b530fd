import type { DocumentStatus, FileType } from "@millrace/contracts";
import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";

/** What the stages need to know of a document, whoever owns it: the job was given its id. */
export type ProcessedDocument = {
  readonly id: string;
  readonly workspace_id: string;
  readonly title: string;
  readonly file_name: string | null;
  readonly file_type: FileType | null;
  readonly file_key: string | null;
  readonly language: string | null;
  readonly text_length: number | null;
  readonly job_id: string | null;
  readonly status: DocumentStatus;
  readonly trashed_at: Date | null;
};

/** Undefined when it was deleted. */
export async function readForProcessing(
  queryable: Queryable,
  id: string,
): Promise<ProcessedDocument | undefined> {
  const found = await sql<ProcessedDocument>`
    SELECT id, workspace_id, title, file_name, file_type, file_key, language, text_length, job_id, status, trashed_at
    FROM document WHERE id = ${id}`.execute(queryable);
  return found.rows[0];
}

/** The same with the row locked until the transaction ends. */
export async function lockForProcessing(
  transaction: Transaction,
  id: string,
): Promise<ProcessedDocument | undefined> {
  await sql`SELECT 1 FROM document WHERE id = ${id} FOR UPDATE`.execute(transaction);
  return await readForProcessing(transaction, id);
}

type PageRange = { readonly page: number; readonly charStart: number; readonly charEnd: number };

/** The stored text with its pages. Throws when there is none: the extraction comes first. */
export async function readStoredText(
  queryable: Queryable,
  id: string,
): Promise<{ readonly text: string; readonly pages: readonly PageRange[]; readonly method: string | null }> {
  const found = await sql<{ text: string; pages: PageRange[]; method: string | null }>`
    SELECT text, pages, extraction_method AS method
    FROM document_text JOIN document ON document.id = document_id WHERE document_id = ${id}`.execute(
    queryable,
  );
  const row = found.rows[0];
  if (row === undefined) throw new Error("the text of the document is not there");
  return row;
}

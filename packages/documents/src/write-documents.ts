import type { DocumentStatus, FileType, PartName, PartState } from "@millrace/contracts";
import { partNames } from "@millrace/contracts";
import { jsonText } from "@millrace/database";
import type { Queryable, Transaction } from "@millrace/database";
import type { Access } from "@millrace/kernel";
import { sql } from "kysely";
import type { DocumentRow } from "./document-row.ts";
import { hasPairs } from "./read-documents.ts";

export type NewDocument = {
  readonly id: string;
  readonly title: string;
  readonly fileName: string | null;
  readonly fileType: FileType;
  readonly fileSize: number;
  readonly contentHash: string;
  readonly fileKey: string | null;
  /** Of a pasted one, which is its own source. */
  readonly text: string | undefined;
  readonly jobId: string;
  /** An older one with the same bytes, to be shown. */
  readonly duplicateOf: string | null;
};

/** Inserts a document with its four parts waiting and, if it is a pasted one, its text. */
export async function insertDocument(
  transaction: Transaction,
  access: Access,
  document: NewDocument,
): Promise<DocumentRow> {
  const { text, jobId } = document;
  const written = await sql<Omit<DocumentRow, "parts" | "tags" | "collections" | "shown_duplicate_of">>`
    WITH fresh AS (
      INSERT INTO document (id, workspace_id, person_id, title, file_name, file_type, file_size, content_hash,
                            file_key, status, job_id, text_length, extraction_method, duplicate_of)
      VALUES (${document.id}, ${access.workspaceId}, ${access.personId}, ${document.title}, ${document.fileName},
              ${document.fileType}, ${document.fileSize}, ${document.contentHash}, ${document.fileKey}, 'uploaded',
              ${jobId}, ${text?.length ?? null}, ${text === undefined ? null : "pasted"},
              ${document.duplicateOf})
      RETURNING *
    ), parts AS (
      INSERT INTO document_part (document_id, part, state)
      SELECT id, part, 'pending' FROM fresh, unnest(${[...partNames]}::text[]) AS part
    ), stored AS (
      INSERT INTO document_text (document_id, text, has_pairs)
      SELECT id, ${text ?? null}::text, ${hasPairs(text ?? "")} FROM fresh WHERE ${text !== undefined}
    )
    SELECT * FROM fresh`.execute(transaction);
  const row = written.rows[0];
  if (row === undefined) throw new Error("INSERT … RETURNING gave no row");
  const parts = {
    summary: "pending",
    key_points: "pending",
    sentiment: "pending",
    topics: "pending",
  } as const;
  return { ...row, parts, tags: [], collections: [], shown_duplicate_of: document.duplicateOf };
}

export type ExtractedRow = {
  readonly text: string;
  readonly pages: readonly { page: number; charStart: number; charEnd: number }[];
  readonly fileType: FileType;
  readonly method: string;
  readonly language: string | null;
  readonly warnings: readonly { code: string; message: string }[];
  /** What the document calls itself, taken only while it is still called by its file's name. */
  readonly title: string | null;
};

/** Stores a document's text and what is known of it, replacing what was there. */
export async function storeText(
  transaction: Transaction,
  documentId: string,
  extracted: ExtractedRow,
): Promise<void> {
  await sql`
    INSERT INTO document_text (document_id, text, has_pairs, pages)
    VALUES (${documentId}, ${extracted.text}, ${hasPairs(extracted.text)}, ${jsonText(extracted.pages)}::jsonb)
    ON CONFLICT (document_id) DO UPDATE
      SET text = excluded.text, has_pairs = excluded.has_pairs, pages = excluded.pages`.execute(transaction);
  await sql`
    UPDATE document SET title = CASE WHEN title = file_name THEN coalesce(${extracted.title}, title) ELSE title END,
           file_type = ${extracted.fileType}, language = ${extracted.language},
           page_count = ${extracted.pages.length === 0 ? null : extracted.pages.length},
           text_length = ${extracted.text.length}, extraction_method = ${extracted.method},
           warnings = ${jsonText(extracted.warnings)}::jsonb, updated_at = now()
    WHERE id = ${documentId}`.execute(transaction);
}

/** What its extraction warned of. */
export async function readWarnings(
  queryable: Queryable,
  documentId: string,
): Promise<ExtractedRow["warnings"]> {
  const found = await sql<Pick<ExtractedRow, "warnings">>`
    SELECT warnings FROM document WHERE id = ${documentId}`.execute(queryable);
  return found.rows[0]?.warnings ?? [];
}

/** Says that work goes on: the first start is kept, the former end and error are forgotten. */
export async function markProcessing(transaction: Transaction, documentId: string): Promise<void> {
  await sql`
    UPDATE document SET status = 'processing', processing_started_at = coalesce(processing_started_at, now()),
           processing_completed_at = NULL, processing_error = NULL, processing_error_code = NULL, updated_at = now()
    WHERE id = ${documentId}`.execute(transaction);
}

/** Says that the document's passages can be searched. */
export async function markIndexed(transaction: Transaction, documentId: string): Promise<void> {
  await sql`UPDATE document SET indexed_at = now() WHERE id = ${documentId}`.execute(transaction);
}

/** The document as new, for work that begins again. */
export async function markUploaded(
  transaction: Transaction,
  documentId: string,
  jobId: string,
  options: { readonly startsOver: boolean },
): Promise<void> {
  await sql`
    UPDATE document SET status = 'uploaded', job_id = ${jobId}, processing_completed_at = NULL,
           processing_started_at = CASE WHEN ${options.startsOver} THEN NULL ELSE processing_started_at END,
           indexed_at = CASE WHEN ${options.startsOver} THEN NULL ELSE indexed_at END,
           processing_error = NULL, processing_error_code = NULL, updated_at = now()
    WHERE id = ${documentId}`.execute(transaction);
}

export async function markEnded(
  transaction: Transaction,
  documentId: string,
  end: {
    readonly status: DocumentStatus;
    readonly error?: { readonly code: string; readonly message: string };
  },
): Promise<void> {
  await sql`
    UPDATE document SET status = ${end.status}, processing_completed_at = now(),
           processing_error = ${end.error?.message ?? null}, processing_error_code = ${end.error?.code ?? null},
           updated_at = now()
    WHERE id = ${documentId}`.execute(transaction);
}

/** Says that something of it changed, and when. */
export async function touchDocument(transaction: Transaction, documentId: string): Promise<void> {
  await sql`UPDATE document SET updated_at = now() WHERE id = ${documentId}`.execute(transaction);
}

export async function markPartsRunning(
  transaction: Transaction,
  documentId: string,
  parts: readonly PartName[],
): Promise<void> {
  await sql`
    UPDATE document_part SET state = 'running', result = NULL, reason = NULL, error_code = NULL, model = NULL,
           extractive = false, input_tokens = NULL, output_tokens = NULL, started_at = now(), finished_at = NULL
    WHERE document_id = ${documentId} AND part = ANY(${[...parts]}::text[])`.execute(transaction);
}

export type PartChange = {
  readonly state: PartState;
  readonly result?: unknown;
  readonly reason?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly model?: string | undefined;
  readonly extractive?: boolean | undefined;
  readonly inputTokens?: number | null | undefined;
  readonly outputTokens?: number | null | undefined;
  /** Default: when it began to be made. */
  readonly startedAt?: Date | undefined;
};

/** Sets a part's state with everything that belongs to it; what is left out becomes empty. */
export async function setPart(
  transaction: Transaction,
  documentId: string,
  part: PartName,
  change: PartChange,
): Promise<void> {
  const hasEnded = change.state !== "pending" && change.state !== "running";
  await sql`
    UPDATE document_part SET state = ${change.state},
           result = ${change.state === "done" ? jsonText(change.result) : null}::jsonb,
           reason = ${change.reason ?? null}, error_code = ${change.errorCode ?? null}, model = ${change.model ?? null},
           extractive = ${change.extractive ?? false}, input_tokens = ${change.inputTokens ?? null},
           output_tokens = ${change.outputTokens ?? null},
           started_at = CASE WHEN ${change.state} = 'pending' THEN NULL
                             WHEN ${change.state} = 'running' THEN now()
                             ELSE coalesce(${change.startedAt ?? null}::timestamptz, started_at, now()) END,
           finished_at = CASE WHEN ${hasEnded} THEN now() END
    WHERE document_id = ${documentId} AND part = ${part}`.execute(transaction);
}

/** Parts back to waiting: these, or all that are in one of the given states. */
export async function resetParts(
  transaction: Transaction,
  documentId: string,
  which: { readonly parts?: readonly PartName[]; readonly states?: readonly PartState[] },
): Promise<void> {
  await sql`
    UPDATE document_part SET state = 'pending', result = NULL, reason = NULL, error_code = NULL, model = NULL,
           extractive = false, input_tokens = NULL, output_tokens = NULL, started_at = NULL, finished_at = NULL
    WHERE document_id = ${documentId}
      AND (${which.parts === undefined ? null : [...which.parts]}::text[] IS NULL
           OR part = ANY(${which.parts === undefined ? null : [...which.parts]}::text[]))
      AND (${which.states === undefined ? null : [...which.states]}::text[] IS NULL
           OR state = ANY(${which.states === undefined ? null : [...which.states]}::text[]))`.execute(
    transaction,
  );
}

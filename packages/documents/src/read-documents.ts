import type { DocumentStats, DocumentStatus, FileType } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { DocumentRow, PartRow } from "./document-row.ts";
import type { RerunRow } from "./rerun/rerun-rows.ts";
import { hasTag, isInCollection } from "./organise/conditions.ts";

const columns = sql`document.*, (
    SELECT jsonb_object_agg(part, state) FROM document_part WHERE document_id = document.id
  ) AS parts, (
    SELECT coalesce(jsonb_agg(tag ORDER BY tag COLLATE "C"), '[]') FROM document_tag WHERE document_id = document.id
  ) AS tags, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', collection.id, 'name', name) ORDER BY name_key), '[]')
    FROM document_collection JOIN collection ON collection.id = collection_id WHERE document_id = document.id
  ) AS collections, (
    SELECT first.id FROM document AS first
    WHERE first.id = document.duplicate_of AND first.workspace_id = document.workspace_id AND first.trashed_at IS NULL
  ) AS shown_duplicate_of
  FROM document`;

/** Whether documents in the trash are found, or only those. Left out: they are not there. */
export type TrashChoice = "only" | "too";

function inOrOut(trash: TrashChoice | undefined) {
  if (trash === "too") return [];
  return [trash === "only" ? sql`trashed_at IS NOT NULL` : sql`trashed_at IS NULL`];
}

/** One document of a workspace; undefined also for those of others. */
export async function findDocument(
  queryable: Queryable,
  workspaceId: string,
  id: string,
  trash?: TrashChoice,
): Promise<DocumentRow | undefined> {
  const conditions = [sql`workspace_id = ${workspaceId}`, sql`id = ${id}`, ...inOrOut(trash)];
  const found = await sql<DocumentRow>`
    SELECT ${columns} WHERE ${sql.join(conditions, sql` AND `)}`.execute(queryable);
  return found.rows[0];
}

/** The same with the row locked until the transaction ends. */
export async function lockDocument(
  transaction: Queryable,
  workspaceId: string,
  id: string,
  trash?: TrashChoice,
): Promise<DocumentRow | undefined> {
  await sql`SELECT 1 FROM document WHERE workspace_id = ${workspaceId} AND id = ${id} FOR UPDATE`.execute(
    transaction,
  );
  return await findDocument(transaction, workspaceId, id, trash);
}

/** Which documents: those of which all that is given is so. */
export type DocumentMarks = {
  readonly status?: DocumentStatus | undefined;
  readonly fileType?: FileType | undefined;
  /** Part of the title, any case. */
  readonly search?: string | undefined;
  readonly tag?: string | undefined;
  /** By id or name. */
  readonly collection?: string | undefined;
  readonly trash?: TrashChoice | undefined;
  /** Only these. */
  readonly ids?: readonly string[] | undefined;
};

export type DocumentFilter = DocumentMarks & {
  /** Documents with a smaller id: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Documents of a workspace, newest first. */
export async function listDocuments(
  queryable: Queryable,
  workspaceId: string,
  filter: DocumentFilter,
): Promise<DocumentRow[]> {
  const conditions = [
    ...marksOf(workspaceId, filter),
    ...(filter.before === undefined ? [] : [sql`id < ${filter.before}::uuid`]),
  ];
  const found = await sql<DocumentRow>`
    SELECT ${columns} WHERE ${sql.join(conditions, sql` AND `)} ORDER BY id DESC LIMIT ${filter.limit}`.execute(
    queryable,
  );
  return found.rows;
}

/** How many documents a selection has from behind `before`. */
export async function countDocuments(
  queryable: Queryable,
  workspaceId: string,
  selection: DocumentMarks & { readonly before: string },
): Promise<number> {
  const conditions = [...marksOf(workspaceId, selection), sql`id < ${selection.before}::uuid`];
  const found = await sql<{ count: number }>`
    SELECT count(*) AS count FROM document WHERE ${sql.join(conditions, sql` AND `)}`.execute(queryable);
  return found.rows[0]?.count ?? 0;
}

/** Ids of a selection, newest first, from behind `before`. */
export async function listDocumentIds(
  queryable: Queryable,
  workspaceId: string,
  selection: DocumentMarks & { readonly before: string; readonly limit: number },
): Promise<string[]> {
  const conditions = [...marksOf(workspaceId, selection), sql`id < ${selection.before}::uuid`];
  const found = await sql<{ id: string }>`
    SELECT id FROM document WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY id DESC LIMIT ${selection.limit}`.execute(queryable);
  return found.rows.map((row) => row.id);
}

function marksOf(workspaceId: string, filter: DocumentMarks) {
  const conditions = [sql`workspace_id = ${workspaceId}`, ...inOrOut(filter.trash)];
  if (filter.status !== undefined) conditions.push(sql`status = ${filter.status}`);
  if (filter.fileType !== undefined) conditions.push(sql`file_type = ${filter.fileType}`);
  if (filter.search !== undefined) conditions.push(sql`title ILIKE ${`%${escapeLike(filter.search)}%`}`);
  if (filter.ids !== undefined) conditions.push(sql`id = ANY(${[...filter.ids]}::uuid[])`);
  if (filter.tag !== undefined) conditions.push(hasTag(filter.tag));
  if (filter.collection !== undefined) conditions.push(isInCollection(workspaceId, filter.collection));
  return conditions;
}

/** Text as a pattern of LIKE that means just that text. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, (sign) => `\\${sign}`);
}

export async function readParts(queryable: Queryable, documentId: string): Promise<PartRow[]> {
  const found = await sql<PartRow>`
    SELECT part, state, result, reason, error_code, model, extractive, started_at, finished_at
    FROM document_part WHERE document_id = ${documentId}`.execute(queryable);
  return found.rows;
}

/** Parts of a document that are being made again, or could not be. */
export async function readReruns(queryable: Queryable, documentId: string): Promise<RerunRow[]> {
  const found = await sql<RerunRow>`
    SELECT part, job_id, model, state, reason, error_code, started_at
    FROM document_part_rerun WHERE document_id = ${documentId}`.execute(queryable);
  return found.rows;
}

/** The parts of several documents, by document. */
export async function readPartsOfMany(
  queryable: Queryable,
  documentIds: readonly string[],
): Promise<Map<string, PartRow[]>> {
  const found = await sql<PartRow & { readonly document_id: string }>`
    SELECT document_id, part, state, result, reason, error_code, model, extractive, started_at, finished_at
    FROM document_part WHERE document_id = ANY(${[...documentIds]}::uuid[])`.execute(queryable);
  return Map.groupBy(found.rows, (row) => row.document_id);
}

/** The whole text of a document; undefined until it has been extracted. */
export async function readWholeText(queryable: Queryable, documentId: string): Promise<string | undefined> {
  const found = await sql<{ text: string }>`
    SELECT text FROM document_text WHERE document_id = ${documentId}`.execute(queryable);
  return found.rows[0]?.text;
}

/** A piece of a text, by UTF-16 offsets. */
export type TextPiece = { readonly text: string; readonly offset: number; readonly totalLength: number };

/**
 * A piece of a document's text; empty until it has been extracted. Most texts are cut by the
 * database, so that one of many megabytes does not pass through here for each piece.
 */
export async function readTextPiece(
  queryable: Queryable,
  documentId: string,
  range: { readonly offset: number; readonly limit: number },
): Promise<TextPiece> {
  const { offset, limit } = range;
  const found = await sql<{ text: string; has_pairs: boolean; length: number }>`
    SELECT has_pairs, length(text) AS length,
           CASE WHEN has_pairs THEN text ELSE substr(text, ${offset + 1}::int, ${limit}::int) END AS text
    FROM document_text WHERE document_id = ${documentId}`.execute(queryable);
  const row = found.rows[0];
  if (row === undefined) return { text: "", offset, totalLength: 0 };
  if (!row.has_pairs) return { text: row.text, offset, totalLength: row.length };
  const end = endOfPiece(row.text, range);
  return { text: row.text.slice(offset, end).toWellFormed(), offset, totalLength: row.text.length };
}

/** Whether JavaScript and PostgreSQL count the characters of a text differently. */
export function hasPairs(text: string): boolean {
  return /[\ud800-\udfff]/.test(text);
}

/** Titles by id, for those that the workspace has outside of its trash. */
export async function findTitles(
  queryable: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const found = await sql<{ id: string; title: string }>`
    SELECT id, title FROM document
    WHERE workspace_id = ${workspaceId} AND id = ANY(${[...ids]}::uuid[]) AND trashed_at IS NULL`.execute(
    queryable,
  );
  return new Map(found.rows.map((row) => [row.id, row.title]));
}

/**
 * The pages on which characters of documents' texts stand, by UTF-16 offsets, in the order asked for; null where a
 * format has none, behind the last, and for documents that the workspace does not have.
 */
export async function findPages(
  queryable: Queryable,
  workspaceId: string,
  places: readonly { readonly sourceId: string; readonly offset: number }[],
): Promise<(number | null)[]> {
  const found = await sql<{ page: number | null }>`
    SELECT (SELECT (range ->> 'page')::int
            FROM jsonb_array_elements(pages) WITH ORDINALITY AS ranges (range, place)
            WHERE asked.offset_asked < (range ->> 'charEnd')::int ORDER BY place LIMIT 1) AS page
    FROM unnest(${places.map(({ sourceId }) => sourceId)}::uuid[], ${places.map(({ offset }) => offset)}::int[])
      WITH ORDINALITY AS asked (document_id, offset_asked, number)
    LEFT JOIN document ON document.id = asked.document_id AND workspace_id = ${workspaceId}
    LEFT JOIN document_text ON document_text.document_id = document.id
    ORDER BY asked.number`.execute(queryable);
  return found.rows.map(({ page }) => page);
}

/** Documents that will be searchable but are not yet. */
export async function countUnindexed(queryable: Queryable, workspaceId: string): Promise<number> {
  const found = await sql<{ count: number }>`
    SELECT count(*) AS count FROM document
    WHERE workspace_id = ${workspaceId} AND status IN ('uploaded', 'processing') AND indexed_at IS NULL
      AND trashed_at IS NULL`.execute(queryable);
  return found.rows[0]?.count ?? 0;
}

export async function readStats(queryable: Queryable, workspaceId: string): Promise<DocumentStats> {
  const found = await sql<DocumentStats>`
    SELECT count(*) AS total,
           count(*) FILTER (WHERE status IN ('uploaded', 'processing')) AS processing,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'partial') AS partial,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           coalesce(sum(file_size), 0)::bigint AS total_file_size,
           (avg(extract(epoch FROM processing_completed_at - processing_started_at))
             FILTER (WHERE status IN ('completed', 'partial')))::double precision AS avg_processing_time,
           count(*) FILTER (WHERE created_at > now() - interval '7 days') AS recent_uploads,
           (SELECT count(*) FROM document
            WHERE workspace_id = ${workspaceId} AND trashed_at IS NOT NULL) AS trashed
    FROM document WHERE workspace_id = ${workspaceId} AND trashed_at IS NULL`.execute(queryable);
  const stats = found.rows[0];
  if (stats === undefined) throw new Error("an aggregate gave no row");
  return stats;
}

/** Pieces put together give the text: none ends inside a character of two units. */
function endOfPiece(text: string, { offset, limit }: { offset: number; limit: number }): number {
  const end = Math.min(text.length, offset + limit);
  const isSplit = end < text.length && /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(end - 1, end + 1));
  if (!isSplit) return end;
  return end - 1 > offset ? end - 1 : end + 1;
}

import type { Analysis, Document } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { toAnalysis, toDocument } from "../document-row.ts";
import type { DocumentRow } from "../document-row.ts";
import { listDocuments, readPartsOfMany, readWholeText } from "../read-documents.ts";
import type { DocumentFilter } from "../read-documents.ts";

/** Rows and analyses of so many are in memory at once: some hundred kilobytes. Untuned. */
const pageSize = 50;

/** Which documents an export has, newest first. */
export type ExportSelection = Omit<DocumentFilter, "before" | "limit">;

/** A document on its way out. */
export type Exported = {
  readonly document: Document;
  readonly analysis: Analysis;
  /** Names the stored file, if there is one. */
  readonly fileKey: string | null;
  /** Read when it is asked for: a text may have 20 million characters. Null when there is none. */
  readonly readText: () => Promise<string | null>;
};

/**
 * The documents of a workspace, page by page; the next page is read when the one before has been taken. One that
 * is added meanwhile is left out, and so is one that is deleted before its turn.
 */
export async function* readExported(
  queryable: Queryable,
  workspaceId: string,
  selection: ExportSelection,
): AsyncGenerator<Exported, void, undefined> {
  let before: string | undefined;
  for (;;) {
    const rows = await listDocuments(queryable, workspaceId, { ...selection, before, limit: pageSize });
    const parts = await readPartsOfMany(
      queryable,
      rows.map(({ id }) => id),
    );
    for (const row of rows) yield toExported(queryable, row, toAnalysis(row.id, parts.get(row.id) ?? []));
    if (rows.length < pageSize) return;
    before = rows.at(-1)?.id;
  }
}

function toExported(queryable: Queryable, row: DocumentRow, analysis: Analysis): Exported {
  return {
    // Progress is of the moment: an export says how a document stands.
    document: toDocument(row, undefined),
    analysis,
    fileKey: row.file_key,
    readText: async () => (await readWholeText(queryable, row.id)) ?? null,
  };
}

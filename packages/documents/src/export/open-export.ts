import { Readable } from "node:stream";
import type { ExportFormat } from "@millrace/contracts";
import type { FileStore } from "../files/index.ts";
import { safeFileName } from "./entry-names.ts";
import type { Exported } from "./read-exported.ts";
import { writeCsv } from "./write-csv.ts";
import { writeJson, writeJsonLines } from "./write-json.ts";
import { writeMarkdown } from "./write-markdown.ts";
import { writeZip } from "./write-zip.ts";

/** An export that is made while it is read. */
export type DocumentExport = {
  readonly fileName: string;
  readonly mediaType: string;
  /**
   * As fast as it is read, with one page of documents and one text in memory. Destroying it stops the reading of
   * the database. It breaks off with an error, and never ends well, when something is missing.
   */
  readonly stream: Readable;
};

const endings: Readonly<Record<ExportFormat, string>> = {
  json: "json",
  jsonl: "jsonl",
  markdown: "md",
  csv: "csv",
  zip: "zip",
};
const mediaTypes: Readonly<Record<ExportFormat, string>> = {
  json: "application/json; charset=utf-8",
  jsonl: "application/jsonl; charset=utf-8",
  markdown: "text/markdown; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  zip: "application/zip",
};

/** The documents in this format. With `files`, a zip has the stored files too. */
export function openExport(
  documents: AsyncIterable<Exported>,
  options: {
    readonly format: ExportFormat;
    readonly files: FileStore | undefined;
    /** What the file is called, without its ending. */
    readonly name: string;
  },
): DocumentExport {
  const { format, files, name } = options;
  return {
    fileName: `${safeFileName(name)}.${endings[format]}`,
    mediaType: mediaTypes[format],
    stream: Readable.from(write(documents, format, files)),
  };
}

function write(
  documents: AsyncIterable<Exported>,
  format: ExportFormat,
  files: FileStore | undefined,
): AsyncIterable<string | Uint8Array> {
  switch (format) {
    case "json":
      return writeJson(documents);
    case "jsonl":
      return writeJsonLines(documents);
    case "markdown":
      return writeMarkdown(documents);
    case "csv":
      return writeCsv(documents);
    case "zip":
      return writeZip(documents, files);
  }
}

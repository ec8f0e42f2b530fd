import { stringify } from "csv-stringify/sync";
import type { Exported } from "./read-exported.ts";

type Cell = string | number | null;

const columns: readonly (readonly [name: string, cell: (exported: Exported) => Cell])[] = [
  ["id", ({ document }) => document.id],
  ["title", ({ document }) => document.title],
  ["status", ({ document }) => document.status],
  ["file_name", ({ document }) => document.file_name],
  ["file_type", ({ document }) => document.file_type],
  ["file_size", ({ document }) => document.file_size],
  ["language", ({ document }) => document.language],
  ["page_count", ({ document }) => document.page_count],
  ["text_length", ({ document }) => document.text_length],
  ["summary", ({ analysis }) => analysis.summary.result?.text ?? null],
  ["key_points", ({ analysis }) => analysis.key_points.result?.points.join("\n") ?? null],
  ["sentiment", ({ analysis }) => analysis.sentiment.result?.label ?? null],
  ["sentiment_score", ({ analysis }) => analysis.sentiment.result?.score ?? null],
  ["topics", ({ analysis }) => analysis.topics.result?.topics.join(", ") ?? null],
  ["processing_error_code", ({ document }) => document.processing_error_code],
  ["processing_error", ({ document }) => document.processing_error],
  ["created_at", ({ document }) => document.created_at],
  ["updated_at", ({ document }) => document.updated_at],
  ["processing_completed_at", ({ document }) => document.processing_completed_at],
  ["tags", ({ document }) => document.tags.join(", ")],
  ["collections", ({ document }) => document.collections.map(({ name }) => name).join("; ")],
];

/**
 * One line per document under a line of names, without the texts (RFC 4180). It begins with a byte order mark:
 * without one, Excel takes UTF-8 for something else. Texts that a spreadsheet would run as a formula get an
 * apostrophe in front.
 */
export async function* writeCsv(documents: AsyncIterable<Exported>): AsyncGenerator<string> {
  yield `\uFEFF${line(columns.map(([name]) => name))}`;
  for await (const exported of documents) yield line(columns.map(([, cell]) => cell(exported)));
}

function line(cells: readonly Cell[]): string {
  return stringify([[...cells]], {
    escape_formulas: true,
    record_delimiter: "windows",
    // Also a single line feed: readers take it for the end of a line.
    quote_record_delimiter: true,
  });
}

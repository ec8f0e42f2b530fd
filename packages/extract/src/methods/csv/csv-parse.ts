import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { maxTableRowCharacters } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readTableFile } from "./read-table-file.ts";
import type { TableFile } from "./read-table-file.ts";
import { TableText } from "./table-text.ts";

/** Pieces in which the text goes to the parser, so that rows are taken while others are read. */
const pieceCharacters = 256 * 1024;

/** Reads separated values by the rules of RFC 4180, stray quotes within a cell tolerated. */
export async function extractWithCsvParse(input: MethodInput): Promise<MethodOutput> {
  const file = await readTableFile(input.path);
  const table = new TableText();
  try {
    await readRows(file, table);
  } catch (error) {
    throw asFailure(error);
  }
  return tableOutput(file, table);
}

/** What both methods make of their rows. */
export function tableOutput(file: TableFile, table: TableText): MethodOutput {
  return {
    parts: [table.text()],
    hasPages: false,
    title: null,
    encoding: file.encoding,
    warnings: [...file.warnings, ...table.warnings()],
    isTruncated: file.isCut || table.isFull,
    isWeak: false,
  };
}

async function readRows({ text, delimiter }: TableFile, table: TableText): Promise<void> {
  const parser = Readable.from(piecesOf(text)).pipe(
    parse({
      delimiter,
      max_record_size: maxTableRowCharacters,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: false,
    }),
  );
  for await (const row of parser) {
    if (isRow(row)) table.addRow(row);
    if (table.isFull) return;
  }
}

function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += pieceCharacters) yield text.slice(at, at + pieceCharacters);
}

function isRow(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((cell) => typeof cell === "string");
}

/** A row without end is most often a quote that nobody closed; the other method reads it as a character. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof CsvError)) return error;
  if (error.code === "CSV_MAX_RECORD_SIZE") return rowTooLong();
  return new MethodFailure("file_damaged", "its quotes do not match", error);
}

export function rowTooLong(): MethodFailure {
  return new MethodFailure(
    "extraction_limit_size",
    `a row is longer than ${maxTableRowCharacters} characters; most likely this is no table`,
  );
}

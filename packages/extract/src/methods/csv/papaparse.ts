import Papa from "papaparse";
import { maxTableRowCharacters } from "../../limits.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { rowTooLong, tableOutput } from "./csv-parse.ts";
import { readTableFile } from "./read-table-file.ts";
import { TableText } from "./table-text.ts";

/** A character that no text holds: quotes are then characters like others. */
const noQuote = "\u0001";

/**
 * Reads separated values of which the quotes do not match: each line is a row, quotes and all. A cell with
 * a line end in it becomes two rows, which is better than a table that is one cell from there on.
 */
export async function extractWithPapaparse(input: MethodInput): Promise<MethodOutput> {
  const file = await readTableFile(input.path);
  refuseEndlessLines(file.text);
  const table = new TableText();
  Papa.parse<string[]>(file.text, {
    delimiter: file.delimiter,
    quoteChar: noQuote,
    step: ({ data }, parser) => {
      table.addRow(data);
      if (table.isFull) parser.abort();
    },
  });
  const output = tableOutput(file, table);
  return { ...output, warnings: [...output.warnings, quotesKept] };
}

const quotesKept = {
  code: "quotes_unbalanced",
  message:
    "A quote is opened and never closed, so quotes were read as ordinary characters, and each line as a row.",
};

function refuseEndlessLines(text: string): void {
  let start = 0;
  while (text.length - start > maxTableRowCharacters) {
    const end = text.slice(start, start + maxTableRowCharacters).lastIndexOf("\n");
    if (end < 0) throw rowTooLong();
    start += end + 1;
  }
}

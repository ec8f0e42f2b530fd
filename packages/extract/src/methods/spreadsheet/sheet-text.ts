import { maxTextCharacters } from "../../limits.ts";
import { blockCharacters, isHeader } from "../csv/table-text.ts";

/** More empty cells in a row than this are one gap: the columns of a table stay aligned, a far cell costs nothing. */
const maxEmptyCells = 20;

/**
 * The text of one sheet: a row on a line, cells separated by " | ", an empty line where rows are empty. A table may
 * begin anywhere: names in its first row stand again above every block of its rows.
 */
export class SheetText {
  readonly #lines: string[] = [];
  #characters = 0;
  #nextRow = 0;
  #rowsOfTable = 0;
  #header: string | undefined;
  #inBlock = 0;

  /** `row` and columns count from 0 and only grow; cells without text may be left out. */
  addRow(row: number, given: Iterable<readonly [column: number, text: string]>): void {
    const cells = [...given].flatMap(([column, text]) => {
      const value = text.replace(/\s+/g, " ").trim();
      return value === "" ? [] : [{ column, value }];
    });
    if (cells.length === 0) return;
    if (row > this.#nextRow) this.#endTable();
    this.#nextRow = row + 1;
    const line = rowText(cells);
    if (this.#rowsOfTable === 0) {
      const names = cells.map(({ value }) => value);
      this.#header = names.length > 1 && isHeader(names) ? line : undefined;
    } else if (this.#inBlock > blockCharacters && this.#header !== undefined) {
      this.#add("");
      this.#add(this.#header);
      this.#inBlock = 0;
    }
    this.#rowsOfTable += 1;
    this.#add(line);
  }

  /** More text than is ever kept: reading on would only cost memory. */
  isFull(): boolean {
    return this.#characters > maxTextCharacters;
  }

  text(): string {
    return this.#lines.join("\n");
  }

  #endTable(): void {
    if (this.#lines.length > 0) this.#add("");
    this.#rowsOfTable = 0;
    this.#inBlock = 0;
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length + 1;
    this.#inBlock += line.length + 1;
  }
}

function rowText(cells: readonly { readonly column: number; readonly value: string }[]): string {
  let next = 0;
  let text = "";
  for (const { column, value } of cells) {
    const empty = column - next;
    if (text !== "") text += " | ";
    if (empty > 0 && empty <= maxEmptyCells) text += " | ".repeat(empty);
    text += value;
    next = column + 1;
  }
  return text.trimStart();
}

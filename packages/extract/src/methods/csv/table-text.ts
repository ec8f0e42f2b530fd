import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxTextCharacters } from "../../limits.ts";

/** About one passage of the search: the header stands again above each block of this length. */
export const blockCharacters = 1_200;

/** More than this many rows are counted, and only the first is named. */
const namedRows = 5;

/**
 * Writes a table as lines of cells. A first row of names stands again above every block of rows, so that
 * a passage from the middle still says what its columns are.
 */
export class TableText {
  readonly #pieces: string[] = [];
  #header: string | undefined;
  #columns: number | undefined;
  #first: readonly string[] | undefined;
  #characters = 0;
  #inBlock = 0;
  #rows = 0;
  readonly #odd: number[] = [];
  #oddCount = 0;

  /** Whether nothing more is taken. */
  get isFull(): boolean {
    return this.#characters > maxTextCharacters;
  }

  /** Adds a row. Empty ones are left out, but counted, so that numbers agree with the file's. */
  addRow(cells: readonly string[]): void {
    this.#rows += 1;
    if (cells.every((cell) => cell.trim() === "")) return;
    if (this.#columns === undefined) {
      this.#columns = cells.length;
      this.#first = cells;
      return;
    }
    this.#writeFirst();
    if (cells.length !== this.#columns) {
      this.#oddCount += 1;
      if (this.#odd.length < namedRows) this.#odd.push(this.#rows);
    }
    this.#writeLine(lineOf(cells));
  }

  /** The text so far, the last row included. */
  text(): string {
    if (this.#first !== undefined) this.#writeLine(lineOf(this.#first));
    this.#first = undefined;
    return this.#pieces.join("");
  }

  warnings(): readonly ExtractionWarning[] {
    if (this.#oddCount === 0) return [];
    const rest = this.#oddCount > this.#odd.length ? " and others" : "";
    return [
      {
        code: "rows_uneven",
        message: `${this.#oddCount} rows have more or fewer cells than the ${this.#columns} of the first (row ${this.#odd.join(", ")}${rest}). They were kept as they are.`,
      },
    ];
  }

  /** Only with a second row in hand can the first be the names of its columns. */
  #writeFirst(): void {
    if (this.#first === undefined) return;
    const line = lineOf(this.#first);
    if (isHeader(this.#first)) this.#header = line;
    this.#first = undefined;
    this.#writeLine(line);
  }

  #writeLine(line: string): void {
    if (this.#inBlock > blockCharacters && this.#header !== undefined) {
      this.#add(`\n${this.#header}\n`);
      this.#inBlock = 0;
    }
    this.#add(`${line}\n`);
    this.#inBlock += line.length + 1;
  }

  #add(text: string): void {
    this.#pieces.push(text);
    this.#characters += text.length;
  }
}

/** A cell's own line ends would look like new rows. */
function lineOf(cells: readonly string[]): string {
  return cells.map((cell) => cell.replace(/\s+/g, " ").trim()).join(" | ");
}

/** Names of columns: short, each another, and none a number. */
export function isHeader(cells: readonly string[]): boolean {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  return (
    new Set(names).size === names.length &&
    names.every((name) => name !== "" && name.length <= 100 && /\p{L}/u.test(name))
  );
}

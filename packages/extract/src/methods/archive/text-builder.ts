import { maxTextCharacters } from "../../limits.ts";

/**
 * Puts the text of an office file together: paragraphs on lines of their own, table rows on one line with " | "
 * between cells. Holds the text and where in which tables it is, nothing else.
 */
export class TextBuilder {
  readonly #pieces: string[] = [];
  #characters = 0;
  /** Cells begun in the current row, one number per table around the current place. */
  #cells: number[] = [];
  /** The signs of the heading that has begun, empty once they are written. */
  #heading: string | undefined;
  /** Whether a paragraph of a cell has ended, and another one may follow. */
  #hasGap = false;

  add(text: string): void {
    if (this.#cells.length > 0) return this.#addToCell(text);
    if (this.#heading === undefined) return this.#push(text);
    const line = text.replace(/\s+/g, " ");
    if (this.#heading === "") return this.#push(line);
    // An empty heading leaves no sign behind.
    if (line.trim() === "") return;
    this.#push(`${this.#heading} ${line.trimStart()}`);
    this.#heading = "";
  }

  /** The paragraph that follows is a heading, written as in Markdown; in a table it is a cell like any other. */
  beginHeading(level: number): void {
    if (this.#cells.length === 0)
      this.#heading = "#".repeat(Math.min(Math.max(Math.trunc(level) || 1, 1), 6));
  }

  /** In a table, paragraphs of a cell stay on its line. */
  endParagraph(): void {
    this.#heading = undefined;
    if (this.#cells.length === 0) this.#push("\n\n");
    // Of several paragraphs in a cell, not behind the last.
    else this.#hasGap = true;
  }

  beginTable(): void {
    this.#cells.push(0);
  }

  beginCell(): void {
    const count = this.#cells.pop() ?? 0;
    this.#hasGap = false;
    if (count > 0) this.#push(" | ");
    this.#cells.push(count + 1);
  }

  endRow(): void {
    this.#cells.pop();
    this.#cells.push(0);
    this.#hasGap = false;
    this.#push("\n");
  }

  endTable(): void {
    this.#cells.pop();
    this.#hasGap = false;
    this.#push("\n");
  }

  /** Forgets what a damaged part left open. */
  closeAll(): void {
    this.#cells = [];
    this.#heading = undefined;
    this.#hasGap = false;
  }

  /** More text than is ever kept: reading on would only cost memory. */
  isFull(): boolean {
    return this.#characters > maxTextCharacters;
  }

  text(): string {
    return this.#pieces.join("");
  }

  #addToCell(text: string): void {
    const line = text.replace(/\s+/g, " ");
    if (line === "") return;
    if (this.#hasGap) this.#push(" ");
    this.#hasGap = false;
    this.#push(line);
  }

  #push(text: string): void {
    if (text === "") return;
    this.#pieces.push(text);
    this.#characters += text.length;
  }
}

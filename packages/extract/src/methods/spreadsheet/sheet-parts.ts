import { maxTextCharacters } from "../../limits.ts";
import type { XmlElement, XmlVisitor } from "../archive/xml-part.ts";
import { SheetText } from "./sheet-text.ts";

/** Excel has no more columns; a larger number would only waste memory. */
const maxColumns = 16_384;

/** The names of a workbook's sheets in their order, and the relations that lead to their parts. */
export class SheetList implements XmlVisitor {
  readonly sheets: { readonly name: string; readonly relation: string }[] = [];

  enter({ name, attribute }: XmlElement): void {
    if (name !== "sheet") return;
    this.sheets.push({ name: attribute("name") ?? "", relation: attribute("r:id") ?? attribute("id") ?? "" });
  }

  leave(): void {}

  text(): void {}

  isFull(): boolean {
    return this.sheets.length >= 10_000;
  }
}

/** The texts that cells refer to by number. */
export class SharedTexts implements XmlVisitor {
  readonly #texts: string[] = [];
  #current: string[] = [];
  #characters = 0;
  /** Of readings (furigana), which repeat the text in another script. */
  #isReading = false;
  #isText = false;

  at(index: number): string {
    return this.#texts[index] ?? "";
  }

  enter({ name }: XmlElement): void {
    if (name === "si") this.#current = [];
    if (name === "rPh") this.#isReading = true;
    this.#isText = name === "t";
  }

  leave(name: string): void {
    if (name === "rPh") this.#isReading = false;
    if (name === "si") this.#texts.push(this.#current.join(""));
    this.#isText = false;
  }

  text(text: string): void {
    if (!this.#isText || this.#isReading) return;
    this.#current.push(text);
    this.#characters += text.length;
  }

  isFull(): boolean {
    return this.#characters > maxTextCharacters * 2;
  }
}

/** The cells of one sheet, row by row. */
export class SheetReader implements XmlVisitor {
  readonly #shared: SharedTexts;
  readonly #text = new SheetText();
  #row = -1;
  #column = -1;
  #cells: [column: number, text: string][] = [];
  #type = "n";
  #value: string[] = [];
  #isValue = false;
  /** Whether a cell is a number, which may be a date. */
  hasNumbers = false;

  constructor(shared: SharedTexts) {
    this.#shared = shared;
  }

  enter({ name, attribute }: XmlElement): void {
    this.#isValue = name === "v" || name === "t";
    if (name === "row") {
      const given = Number(attribute("r"));
      this.#row = given > 0 ? given - 1 : this.#row + 1;
      this.#column = -1;
      this.#cells = [];
    } else if (name === "c") {
      this.#column = columnOf(attribute("r")) ?? this.#column + 1;
      this.#type = attribute("t") ?? "n";
      this.#value = [];
    }
  }

  leave(name: string): void {
    this.#isValue = false;
    if (name === "c") this.#endCell();
    else if (name === "row") this.#text.addRow(this.#row, this.#cells);
  }

  text(text: string): void {
    if (this.#isValue) this.#value.push(text);
  }

  isFull(): boolean {
    return this.#text.isFull();
  }

  result(): string {
    return this.#text.text();
  }

  #endCell(): void {
    const value = this.#value.join("");
    if (value === "" || this.#cells.length >= maxColumns) return;
    if (this.#type === "n") this.hasNumbers = true;
    this.#cells.push([this.#column, this.#shown(value)]);
  }

  #shown(value: string): string {
    if (this.#type === "s") return this.#shared.at(Number(value));
    if (this.#type === "b") return value === "1" ? "TRUE" : "FALSE";
    return value;
  }
}

/** The column of a reference such as "AB12", counted from 0. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^[A-Z]{1,3}/i.exec(reference ?? "")?.[0].toUpperCase();
  if (letters === undefined) return undefined;
  const column = [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  return Math.min(column, maxColumns - 1);
}

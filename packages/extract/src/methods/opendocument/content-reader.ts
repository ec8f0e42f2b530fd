import { maxTextCharacters } from "../../limits.ts";
import { TextBuilder } from "../archive/text-builder.ts";
import type { XmlElement, XmlVisitor } from "../archive/xml-part.ts";
import { SheetText } from "../spreadsheet/sheet-text.ts";
import { titleSheet, titleSlide } from "../title-page.ts";

/** Comments, deleted text, marks of notes, and what only says how something looks. */
const skippedElements: ReadonlySet<string> = new Set([
  "annotation",
  "tracked-changes",
  "note-citation",
  "scripts",
  "font-face-decls",
  "automatic-styles",
  "forms",
  "desc",
  "object-ole",
]);

/** Blanks that one element may stand for. */
const maxSpaces = 100;

/** So often a row or cell with text is written out; a spreadsheet says "a million times" of empty ones. */
const maxRepetitions = 1_000;

/** Collects the text of OpenDocument content: of texts, sheets or slides, whichever it is. */
export class ContentReader implements XmlVisitor {
  readonly #pages: string[] = [];
  #characters = 0;
  #kind: "text" | "spreadsheet" | "presentation" = "text";
  #text = new TextBuilder();
  #skippedDepth = 0;
  /** The name of the slide or sheet. */
  #pageName = "";
  #isTitle = false;
  #paragraphs = 0;
  #sheet: SheetText | undefined;
  #row = 0;
  #rowRepeat = 1;
  #column = 0;
  #cellRepeat = 1;
  #cell: string[] | undefined;
  #cells: [column: number, text: string][] = [];
  /** Whether something repeats more often than it was written out. */
  leavesRepetitionsOut = false;

  enter(element: XmlElement): void {
    const { name, attribute } = element;
    if (this.#skippedDepth > 0 || skippedElements.has(name)) {
      this.#skippedDepth += 1;
      return;
    }
    if (name === "spreadsheet" || name === "presentation") this.#kind = name;
    else if (name === "p" || name === "h") this.#beginParagraph(element);
    else if (name === "s") this.#add(" ".repeat(Math.min(countOf(attribute("c")), maxSpaces)));
    else if (name === "tab") this.#add("\t");
    else if (name === "line-break") this.#add("\n");
    else if (name === "page" && this.#kind === "presentation") this.#pageName = "";
    else if (name === "frame") this.#isTitle = attribute("presentation:class") === "title";
    else if (this.#kind === "spreadsheet") this.#enterSheet(element);
    else if (name === "table") this.#text.beginTable();
    else if (name === "table-cell") this.#text.beginCell();
  }

  leave(name: string): void {
    if (this.#skippedDepth > 0) {
      this.#skippedDepth -= 1;
      return;
    }
    if (name === "p" || name === "h") this.#endParagraph();
    else if (name === "page" && this.#kind === "presentation") this.#endSlide();
    else if (name === "frame") this.#isTitle = false;
    else if (this.#kind === "spreadsheet") this.#leaveSheet(name);
    else if (name === "table-row") this.#text.endRow();
    else if (name === "table") this.#text.endTable();
  }

  text(text: string): void {
    // Only paragraphs have text; blanks between elements are layout of the XML.
    if (this.#skippedDepth === 0 && this.#paragraphs > 0) this.#add(text.replace(/\s+/g, " "));
  }

  isFull(): boolean {
    const open = this.#sheet?.isFull() === true || this.#text.isFull();
    return open || this.#characters > maxTextCharacters;
  }

  /** What was read; of a damaged file also the slide or sheet in which it broke off. */
  result(): { readonly parts: readonly string[]; readonly hasPages: boolean } {
    if (this.#kind === "text") return { parts: [this.#text.text()], hasPages: false };
    if (this.#sheet !== undefined) this.#endSheet();
    else if (this.#kind === "presentation" && this.#text.text() !== "") this.#endSlide();
    return { parts: this.#pages, hasPages: true };
  }

  #beginParagraph({ name, attribute }: XmlElement): void {
    this.#paragraphs += 1;
    if (this.#cell !== undefined) return;
    if (name === "h") this.#text.beginHeading(countOf(attribute("outline-level")));
    else if (this.#isTitle) this.#text.beginHeading(1);
  }

  #endParagraph(): void {
    this.#paragraphs -= 1;
    if (this.#cell === undefined) this.#text.endParagraph();
    else this.#cell.push(" ");
  }

  #add(text: string): void {
    if (this.#cell === undefined) this.#text.add(text);
    else this.#cell.push(text);
  }

  #endSlide(): void {
    this.#addPage(titleSlide(this.#text.text(), this.#pageName, this.#pages.length + 1));
    this.#text = new TextBuilder();
  }

  #addPage(text: string): void {
    this.#pages.push(text);
    this.#characters += text.length;
  }

  #enterSheet({ name, attribute }: XmlElement): void {
    if (name === "table" && this.#sheet === undefined) {
      this.#sheet = new SheetText();
      this.#pageName = attribute("table:name") ?? "";
      this.#row = 0;
    } else if (name === "table-row") {
      this.#column = 0;
      this.#cells = [];
      this.#rowRepeat = countOf(attribute("number-rows-repeated"));
    } else if (name === "table-cell" || name === "covered-table-cell") {
      this.#cell = [];
      this.#cellRepeat = countOf(attribute("number-columns-repeated"));
    }
  }

  #leaveSheet(name: string): void {
    if (name === "table-cell" || name === "covered-table-cell") this.#endCell();
    else if (name === "table-row") this.#endRow();
    else if (name === "table") this.#endSheet();
  }

  #endCell(): void {
    const text = this.#cell?.join("").trim() ?? "";
    this.#cell = undefined;
    if (text !== "") {
      const room = Math.max(0, maxRepetitions - this.#cells.length);
      for (let copy = 0; copy < this.#copies(this.#cellRepeat, room); copy += 1) {
        this.#cells.push([this.#column + copy, text]);
      }
    }
    this.#column += this.#cellRepeat;
  }

  #endRow(): void {
    if (this.#cells.length > 0) {
      for (let copy = 0; copy < this.#copies(this.#rowRepeat, maxRepetitions); copy += 1) {
        if (this.#sheet?.isFull() === true) break;
        this.#sheet?.addRow(this.#row + copy, this.#cells);
      }
    }
    this.#row += this.#rowRepeat;
  }

  #copies(wanted: number, most: number): number {
    if (wanted > most) this.leavesRepetitionsOut = true;
    return Math.min(wanted, most);
  }

  #endSheet(): void {
    this.#addPage(titleSheet(this.#sheet?.text() ?? "", this.#pageName, this.#pages.length + 1));
    this.#sheet = undefined;
    this.#cell = undefined;
  }
}

/** How often, or how deep, an attribute says; once when it says nothing. */
function countOf(value: string | undefined): number {
  const count = Number(value ?? 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
}

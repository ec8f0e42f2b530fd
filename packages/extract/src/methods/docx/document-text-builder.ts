import { TextBuilder } from "../archive/text-builder.ts";
import type { XmlElement, XmlVisitor } from "../archive/xml-part.ts";

/** The second rendering of a drawing, for old programs, and text that was moved elsewhere. */
const skippedElements: ReadonlySet<string> = new Set(["Fallback", "moveFrom", "del"]);

/** Collects the text of WordprocessingML. */
export class DocumentTextBuilder implements XmlVisitor {
  readonly #text = new TextBuilder();
  readonly #headingLevels: ReadonlyMap<string, number>;
  readonly #imported: ReadonlyMap<string, string>;
  #open: string[] = [];
  #skippedFrom: number | undefined;

  /** Levels of headings by the id of their style, and texts that stand in other parts by the ids of these. */
  constructor(headingLevels: ReadonlyMap<string, number>, imported: ReadonlyMap<string, string>) {
    this.#headingLevels = headingLevels;
    this.#imported = imported;
  }

  beginPart(): void {
    this.#open = [];
    this.#skippedFrom = undefined;
    this.#text.closeAll();
  }

  endPart(): void {
    this.#text.add("\n\n");
  }

  isFull(): boolean {
    return this.#text.isFull();
  }

  result(): string {
    return this.#text.text();
  }

  enter({ name, attribute }: XmlElement): void {
    const parent = this.#open.at(-1);
    this.#open.push(name);
    if (this.#skippedFrom !== undefined) return;
    if (skippedElements.has(name)) this.#skippedFrom = this.#open.length;
    else if (name === "tbl") this.#text.beginTable();
    else if (name === "tc") this.#text.beginCell();
    else if (name === "pStyle") this.#beginStyled(attribute("val") ?? "");
    else if (name === "altChunk") this.#addImported(attribute("id") ?? "");
    // The same names occur as tab stops and breaks in styles, outside of runs.
    else if (parent === "r") this.#text.add(characterOf(name));
  }

  leave(name: string): void {
    const depth = this.#open.length;
    this.#open.pop();
    if (this.#skippedFrom !== undefined) {
      if (depth === this.#skippedFrom) this.#skippedFrom = undefined;
      return;
    }
    if (name === "p") this.#text.endParagraph();
    else if (name === "tr") this.#text.endRow();
    else if (name === "tbl") this.#text.endTable();
  }

  #beginStyled(style: string): void {
    const level = this.#headingLevels.get(style);
    if (level !== undefined) this.#text.beginHeading(level);
  }

  #addImported(id: string): void {
    this.#text.add(this.#imported.get(id) ?? "");
    this.#text.endParagraph();
  }

  text(text: string): void {
    if (this.#skippedFrom === undefined && this.#open.at(-1) === "t") this.#text.add(text);
  }
}

function characterOf(name: string): string {
  if (name === "tab") return "\t";
  if (name === "br" || name === "cr") return "\n";
  return name === "noBreakHyphen" ? "-" : "";
}

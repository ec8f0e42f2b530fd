import { SaxesParser } from "saxes";
import { maxTextCharacters, maxXmlDepth } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";

/** The second rendering of a drawing, for old programs, and text that was moved elsewhere. */
const skippedElements: ReadonlySet<string> = new Set(["Fallback", "moveFrom", "del"]);

/**
 * Collects the text of WordprocessingML: paragraphs on lines of their own, table rows on one line
 * with " | " between cells. Holds the text and the path of open elements, nothing else.
 */
export class DocumentTextBuilder {
  readonly #pieces: string[] = [];
  #characters = 0;
  #open: string[] = [];
  /** Cells begun in the current row, one number per table around the current place. */
  #cells: number[] = [];
  #skippedFrom: number | undefined;
  #parser = this.#createParser();

  /** Starts the next XML part. */
  beginPart(): void {
    this.#open = [];
    this.#cells = [];
    this.#skippedFrom = undefined;
    this.#parser = this.#createParser();
  }

  /** Throws `file_damaged` when the XML is broken and `extraction_limit_size` when nested too deeply. */
  write(xml: string): void {
    this.#parser.write(xml);
  }

  endPart(): void {
    this.#parser.close();
    this.#add("\n\n");
  }

  /** More text than is ever kept: reading on would only cost memory. */
  isFull(): boolean {
    return this.#characters > maxTextCharacters;
  }

  text(): string {
    return this.#pieces.join("");
  }

  #createParser(): SaxesParser {
    const parser = new SaxesParser();
    parser.on("error", (error) => {
      throw new MethodFailure("file_damaged", "its XML is broken", error);
    });
    parser.on("doctype", () => {
      throw new MethodFailure("file_damaged", "its XML declares entities, which no word processor does");
    });
    parser.on("opentag", (tag) => this.#enter(localName(tag.name)));
    parser.on("closetag", (tag) => this.#leave(localName(tag.name)));
    parser.on("text", (text) => this.#addText(text));
    parser.on("cdata", (text) => this.#addText(text));
    return parser;
  }

  #enter(name: string): void {
    const parent = this.#open.at(-1);
    this.#open.push(name);
    if (this.#open.length > maxXmlDepth) {
      throw new MethodFailure("extraction_limit_size", `nested more than ${maxXmlDepth} levels deep`);
    }
    if (this.#skippedFrom !== undefined) return;
    if (skippedElements.has(name)) this.#skippedFrom = this.#open.length;
    else if (name === "tbl") this.#cells.push(0);
    else if (name === "tc") this.#beginCell();
    // The same names occur as tab stops and breaks in styles, outside of runs.
    else if (parent === "r") this.#add(characterOf(name));
  }

  #beginCell(): void {
    const count = this.#cells.pop() ?? 0;
    if (count > 0) this.#add(" | ");
    this.#cells.push(count + 1);
  }

  #leave(name: string): void {
    const depth = this.#open.length;
    this.#open.pop();
    if (this.#skippedFrom !== undefined) {
      if (depth === this.#skippedFrom) this.#skippedFrom = undefined;
      return;
    }
    if (name === "p") this.#add(this.#cells.length > 0 ? " " : "\n\n");
    else if (name === "tr") this.#endRow();
    else if (name === "tbl") {
      this.#cells.pop();
      this.#add("\n");
    }
  }

  #endRow(): void {
    this.#cells.pop();
    this.#cells.push(0);
    this.#add("\n");
  }

  #addText(text: string): void {
    if (this.#skippedFrom === undefined && this.#open.at(-1) === "t") this.#add(text);
  }

  #add(text: string): void {
    if (text === "") return;
    this.#pieces.push(text);
    this.#characters += text.length;
  }
}

function characterOf(name: string): string {
  if (name === "tab") return "\t";
  if (name === "br" || name === "cr") return "\n";
  return name === "noBreakHyphen" ? "-" : "";
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

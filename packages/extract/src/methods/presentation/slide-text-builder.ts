import { TextBuilder } from "../archive/text-builder.ts";
import type { XmlElement, XmlVisitor } from "../archive/xml-part.ts";

/** Placeholders that say the same on every slide. */
const repeated: ReadonlySet<string> = new Set(["sldNum", "dt", "ftr", "hdr", "sldImg"]);

/** Collects the text of DrawingML: the title first, then shapes and tables in their order. */
export class SlideTextBuilder implements XmlVisitor {
  readonly #title = new TextBuilder();
  readonly #body = new TextBuilder();
  /** What the current shape is, by its placeholder. */
  #shape = "";
  #isText = false;
  #skippedDepth = 0;

  beginPart(): void {
    this.#shape = "";
    this.#skippedDepth = 0;
    this.#body.closeAll();
  }

  enter({ name, attribute }: XmlElement): void {
    // The second rendering of a drawing, for old programs.
    if (name === "Fallback" || this.#skippedDepth > 0) this.#skippedDepth += 1;
    if (this.#skippedDepth > 0) return;
    this.#isText = name === "t";
    if (name === "sp" || name === "graphicFrame") this.#shape = "";
    else if (name === "ph") this.#shape = attribute("type") ?? "";
    else if (name === "tbl") this.#body.beginTable();
    else if (name === "tc") this.#body.beginCell();
    else if (name === "p" && this.#isTitle()) this.#title.beginHeading(1);
    else if (name === "br") this.#target()?.add("\n");
  }

  leave(name: string): void {
    this.#isText = false;
    if (this.#skippedDepth > 0) {
      this.#skippedDepth -= 1;
      return;
    }
    if (name === "p") this.#target()?.endParagraph();
    else if (name === "tr") this.#body.endRow();
    else if (name === "tbl") this.#body.endTable();
    else if (name === "sp") this.#shape = "";
  }

  text(text: string): void {
    if (this.#isText) this.#target()?.add(text);
  }

  isFull(): boolean {
    return this.#body.isFull() || this.#title.isFull();
  }

  result(): string {
    return `${this.#title.text()}${this.#body.text()}`;
  }

  #isTitle(): boolean {
    return this.#shape === "title" || this.#shape === "ctrTitle";
  }

  #target(): TextBuilder | undefined {
    if (repeated.has(this.#shape)) return undefined;
    return this.#isTitle() ? this.#title : this.#body;
  }
}

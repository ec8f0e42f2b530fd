import { TextBuilder } from "../archive/text-builder.ts";
import { decodeBytes, encodingOfCharacterSet, encodingOfCodePage } from "./code-pages.ts";
import { characters, skippedDestinations } from "./rtf-words.ts";

/** What holds inside one pair of braces. */
type Group = {
  readonly target: "text" | "title" | "fonts" | "nothing";
  readonly encoding: string | undefined;
  /** Characters for old programs that follow a Unicode character. */
  readonly replacements: number;
};

/** Collects the text of an RTF file from its controls and bytes. */
export class RtfText {
  readonly #text = new TextBuilder();
  readonly #outer: Group[] = [];
  #group: Group = { target: "text", encoding: undefined, replacements: 1 };
  readonly #fonts = new Map<number, string | undefined>();
  #font = 0;
  #encoding = "cp1252";
  /** Bytes of characters of several bytes, decoded when something else follows. */
  #bytes: number[] = [];
  #skip = 0;
  /** Whether nothing has come in the current group yet. */
  #isFresh = false;
  #paragraph: string[] = [];
  #title: string[] = [];
  #cells: string[] = [];
  #isInTable = false;
  #hasRows = false;
  #level: number | undefined;

  openGroup(): void {
    this.#flush();
    this.#skip = 0;
    this.#isFresh = true;
    this.#outer.push(this.#group);
  }

  closeGroup(): void {
    this.#flush();
    this.#skip = 0;
    this.#group = this.#outer.pop() ?? this.#group;
  }

  addByte(byte: number): void {
    this.#isFresh = false;
    if (this.#skip > 0) this.#skip -= 1;
    else if (this.#group.target === "text" || this.#group.target === "title") this.#bytes.push(byte);
  }

  /** One of the controls that are a sign instead of a word. */
  symbol(sign: string): void {
    // In the middle of a group it means nothing, though some programs write it.
    if (sign === "*" && this.#isFresh) this.#group = { ...this.#group, target: "nothing" };
    else if (sign === "~") this.#add(" ");
    else if (sign === "_") this.#add("-");
    else if (sign === "\n" || sign === "\r") this.control("par", undefined);
    else if (sign === "\\" || sign === "{" || sign === "}") this.addByte(sign.charCodeAt(0));
  }

  control(word: string, number: number | undefined): void {
    this.#isFresh = false;
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    this.#flush();
    const character = characters.get(word);
    if (character !== undefined) this.#add(character);
    else if (skippedDestinations.has(word)) this.#group = { ...this.#group, target: "nothing" };
    else if (this.#group.target === "text") this.#inText(word, number);
    this.#inAnyGroup(word, number);
  }

  isFull(): boolean {
    return this.#text.isFull();
  }

  title(): string | null {
    const title = this.#title.join("").trim();
    return title === "" ? null : title;
  }

  result(): string {
    this.#flush();
    if (this.#cells.length > 0) this.#endRow();
    this.#endParagraph();
    return this.#text.text();
  }

  #inText(word: string, number: number | undefined): void {
    if (word === "par" || word === "sect" || word === "page") this.#endParagraph();
    else if (word === "pard") {
      this.#isInTable = false;
      this.#level = undefined;
    } else if (word === "intbl") this.#isInTable = true;
    else if (word === "cell" || word === "nestcell") this.#endCell();
    else if (word === "row" || word === "nestrow") this.#endRow();
    else if (word === "outlinelevel")
      this.#level = number === undefined || number > 8 ? undefined : number + 1;
    else if (word === "fonttbl") this.#group = { ...this.#group, target: "fonts" };
  }

  #inAnyGroup(word: string, number: number | undefined): void {
    if (word === "u" && number !== undefined) {
      this.#add(String.fromCharCode(number & 0xffff));
      this.#skip = this.#group.replacements;
    } else if (word === "uc") this.#group = { ...this.#group, replacements: Math.min(number ?? 1, 10) };
    else if (word === "ansicpg") this.#encoding = encodingOfCodePage(number ?? 0) ?? this.#encoding;
    else if (word === "mac") this.#encoding = "macroman";
    else if (word === "f") this.#chooseFont(number ?? 0);
    else if (word === "fcharset" && this.#group.target === "fonts") {
      this.#fonts.set(this.#font, encodingOfCharacterSet(number ?? 0));
    } else if (word === "title") this.#group = { ...this.#group, target: "title" };
    // Text of a drawn shape, inside of what old programs leave out.
    else if (word === "shptxt") this.#group = { ...this.#group, target: "text" };
  }

  #chooseFont(font: number): void {
    if (this.#group.target === "fonts") this.#font = font;
    else this.#group = { ...this.#group, encoding: this.#fonts.get(font) };
  }

  #flush(): void {
    if (this.#bytes.length === 0) return;
    const text = decodeBytes(this.#bytes, this.#group.encoding ?? this.#encoding);
    this.#bytes = [];
    this.#add(text);
  }

  #add(text: string): void {
    if (this.#bytes.length > 0) this.#flush();
    if (this.#group.target === "title") this.#title.push(text);
    else if (this.#group.target === "text") this.#paragraph.push(text);
  }

  #takeParagraph(): string {
    const text = this.#paragraph.join("");
    this.#paragraph = [];
    return text;
  }

  #endParagraph(): void {
    // In a table, paragraphs of a cell stay on its line.
    if (this.#isInTable) return void this.#paragraph.push(" ");
    if (this.#hasRows) this.#text.add("\n");
    this.#hasRows = false;
    if (this.#level !== undefined) this.#text.beginHeading(this.#level);
    this.#text.add(this.#takeParagraph());
    this.#text.endParagraph();
  }

  #endCell(): void {
    this.#cells.push(this.#takeParagraph().replace(/\s+/g, " ").trim());
  }

  #endRow(): void {
    if (this.#cells.length === 0) return;
    this.#text.add(`${this.#cells.join(" | ")}\n`);
    this.#cells = [];
    this.#hasRows = true;
  }
}

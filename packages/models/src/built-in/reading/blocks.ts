import { continuesCode, isCodeLine, isPageChrome } from "./line-kinds.ts";
import { stripInlineMarkup } from "./inline-markup.ts";
import { repairMojibake } from "./mojibake.ts";

/** A piece of a text as a reader sees it: what is left when code, tables and page furniture are gone. */
export type Block = {
  readonly kind: "heading" | "prose" | "item";
  readonly text: string;
};

/**
 * Reads text, Markdown or extracted pages into blocks in reading order. Lines broken by the width of
 * a page are joined; a heading never sticks to the sentence after it.
 */
export function readBlocks(text: string): Block[] {
  const reader = new BlockReader();
  const lines = dropFrontMatter(cleanCharacters(text).split("\n"));
  const repeated = repeatedLines(lines);
  for (const [index, line] of lines.entries()) {
    const isFurniture = isPageChrome(line) || repeated.has(line.trim());
    if (isFurniture) continue;
    reader.read(line, lines[index - 1] ?? "", lines[index + 1] ?? "");
  }
  return reader.finish();
}

function cleanCharacters(text: string): string {
  return (
    repairMojibake(dropComments(text.toWellFormed()))
      .replace(/\r\n?/g, "\n")
      .replace(/[\u2028\u0085\v]/g, "\n")
      .replace(/[\f\u2029]/g, "\n\n")
      .replace(/[\u200b-\u200d\u2060\ufeff\u00ad]/g, "")
      // Control characters mean nothing to a reader, and a database refuses some of them.
      .replace(/[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f]/g, " ")
  );
}

/** HTML comments go, in one pass: a pattern would search the rest of the text for each opening. */
function dropComments(text: string): string {
  let kept = "";
  let position = 0;
  for (let start = text.indexOf("<!--"); start !== -1; start = text.indexOf("<!--", position)) {
    const end = text.indexOf("-->", start + 4);
    if (end === -1) break;
    kept += text.slice(position, start);
    position = end + 3;
  }
  return kept + text.slice(position);
}

function dropFrontMatter(lines: string[]): string[] {
  if (lines[0]?.trim() !== "---") return lines;
  const end = lines.findIndex((line, index) => index > 0 && index < 100 && /^(---|\.\.\.)\s*$/.test(line));
  return end === -1 ? lines : lines.slice(end + 1);
}

/** Short lines that come back three times or more without being a long sentence: page headers and footers. */
function repeatedLines(lines: readonly string[]): Set<string> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const trimmed = line.trim();
    if (trimmed.length <= 3 || trimmed.length > 100) continue;
    const isSentence = closing.test(trimmed) && /[.!?。！？]/.test(trimmed) && trimmed.length > 40;
    if (!isSentence) counts.set(trimmed, (counts.get(trimmed) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count >= 3).map(([line]) => line));
}

const listMarker = /^\s*(?:[-*+•‣◦▪·–○●]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+/;
const headingMarker = /^#{1,6}\s+/;
const closing = /[.!?…。！？:;,]["'”’»)\]]*$/;

/** Gathers lines into blocks. State: the open fence, the run of code, the paragraph being built. */
class BlockReader {
  readonly #blocks: Block[] = [];
  #paragraph: string[] = [];
  #kind: "prose" | "item" = "prose";
  #fence: string | undefined;
  #isInCode = false;

  read(line: string, previous: string, next: string): void {
    if (this.#readFence(line)) return;
    const bare = line.replace(/^\s*(>\s?)+/, "");
    const trimmed = bare.trim();
    if (trimmed === "") {
      // Code survives one blank line; what follows decides for itself.
      this.#flush();
      return;
    }
    if (this.#readCode(bare, previous)) return;
    if (headingMarker.test(trimmed)) {
      this.#flush();
      this.#push("heading", trimmed.replace(headingMarker, "").replace(/\s#+$/, ""));
    } else if (/^(={3,}|-{3,})$/.test(trimmed) && this.#paragraph.length === 1 && previous.trim() !== "") {
      const title = this.#paragraph.pop() ?? "";
      this.#push("heading", title);
    } else if (
      /^([-*_=]\s?){3,}$/.test(trimmed) ||
      /^\|.*\|$/.test(trimmed) ||
      isTableRow(bare) ||
      /^[|:+\-\s]+$/.test(trimmed)
    ) {
      this.#flush();
    } else {
      this.#readText(bare, next);
    }
  }

  finish(): Block[] {
    this.#flush();
    return this.#blocks;
  }

  #readFence(line: string): boolean {
    const fence = /^\s*(?:>\s*)*(`{3,}|~{3,})/.exec(line)?.[1];
    if (this.#fence !== undefined) {
      if (fence?.startsWith(this.#fence)) this.#fence = undefined;
      return true;
    }
    if (fence === undefined) return false;
    this.#flush();
    this.#fence = fence;
    return true;
  }

  #readCode(line: string, previous: string): boolean {
    const isListItem = listMarker.test(line);
    const isIndentedBlock = /^(\t| {4,})\S/.test(line) && previous.trim() === "" && !isListItem;
    const isCode =
      (this.#isInCode && continuesCode(line) && !isListItem) ||
      (!isListItem && isCodeLine(line)) ||
      (isIndentedBlock && this.#paragraph.length === 0 && isCodeLine(line));
    this.#isInCode = isCode;
    if (isCode) this.#flush();
    return isCode;
  }

  #readText(line: string, next: string): void {
    const marker = listMarker.exec(line)?.[0];
    if (marker !== undefined) {
      this.#flush();
      this.#kind = "item";
      this.#paragraph.push(line.slice(marker.length).trim());
      return;
    }
    const previousLine = this.#paragraph.at(-1);
    if (previousLine !== undefined && isHeadingAbove(previousLine, line, next)) this.#flush();
    this.#paragraph.push(line.trim());
  }

  #flush(): void {
    if (this.#paragraph.length === 0) return;
    const text = stripInlineMarkup(joinLines(this.#paragraph));
    const isLoneLine = this.#paragraph.length === 1 && this.#kind === "prose";
    const kind = isLoneLine && !closing.test(text) && isShort(text) ? "heading" : this.#kind;
    this.#paragraph = [];
    this.#kind = "prose";
    if (text !== "") this.#push(kind, text);
  }

  #push(kind: Block["kind"], text: string): void {
    const shown = stripInlineMarkup(text);
    if (/[\p{L}\p{N}]/u.test(shown)) this.#blocks.push({ kind, text: shown });
  }
}

/** Cells between tabs, as they come out of pages and spreadsheets. */
function isTableRow(line: string): boolean {
  const cells = line.trim().split(/\t+/);
  return cells.length >= 3 && cells.every((cell) => cell.length <= 60);
}

function isShort(text: string): boolean {
  return text.length <= 90;
}

/** A line far shorter than the one below it, not closed, above a line that starts anew: a title. */
function isHeadingAbove(above: string, line: string, next: string): boolean {
  if (closing.test(above) || above.length > 60 || !/^\s*["“'(]?[\p{Lu}\p{Lo}\d]/u.test(line)) return false;
  const width = Math.max(line.trim().length, next.trim().length);
  return above.length < width * 0.6;
}

const unspacedScript = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]/u;

function joinLines(lines: readonly string[]): string {
  let joined = "";
  for (const line of lines) {
    const last = joined.at(-1) ?? "";
    const isHyphenated = last === "-" && /\p{Ll}-$/u.test(joined) && /^\p{Ll}/u.test(line);
    const isUnspaced = unspacedScript.test(last) && unspacedScript.test(line.charAt(0));
    joined += joined === "" || isHyphenated || isUnspaced ? line : ` ${line}`;
  }
  return joined;
}

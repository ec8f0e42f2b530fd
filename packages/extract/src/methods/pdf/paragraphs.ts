import { isHeadingText } from "./heading-text.ts";
import { collectWords, endsWithBreakableHyphen, joinLineEnd } from "./hyphens.ts";
import type { Line } from "./lines.ts";

/** Lines of a page that belong together. */
export type Paragraph = {
  readonly text: string;
  /** What stands between its text and that before. */
  readonly separator: string;
  readonly lines: readonly Line[];
  /** The distance to the line above, in that usual on the page; undefined where none is above. */
  readonly gapAbove: number | undefined;
};

/** Lines that belong together by size and distance; `left` and `right` are the column's edges. */
type Block = { readonly lines: Line[]; left: number; right: number };

/** Lines further apart than this many times their height belong to different paragraphs. */
const maxLineGapHeights = 1.9;

export const listItem =
  /^(?:[\u2022\u2023\u25AA\u25CF\u25E6\u2043\u2219\u00B7*\u2013\u2014-]\s|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]\s)/i;

/**
 * Joins the printed lines of a page to paragraphs, so that sentences come out whole. A line break
 * stays where its author put it: the next word would still have fitted, a list item or an indented
 * line begins, or the line is a table row.
 */
export function joinParagraphs(lines: readonly Line[]): readonly Paragraph[] {
  const words = collectWords(lines.map((line) => line.text));
  const typicalGap = medianGap(lines);
  let above: Line | undefined;
  return splitBlocks(lines, typicalGap).flatMap((block) => {
    const first = block.lines[0];
    const gapAbove =
      above === undefined || first === undefined
        ? undefined
        : (above.y - first.y) / (above.height * typicalGap);
    above = block.lines.at(-1);
    return joinBlock(block, words, gapAbove);
  });
}

function splitBlocks(lines: readonly Line[], typicalGap: number): readonly Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    const block = blocks.at(-1);
    const before = block?.lines.at(-1);
    if (block === undefined || before === undefined || !belongTogether(before, line, typicalGap)) {
      blocks.push({ lines: [line], left: line.left, right: line.right });
      continue;
    }
    block.lines.push(line);
    block.left = Math.min(block.left, line.left);
    block.right = Math.max(block.right, line.right);
  }
  return blocks;
}

/** The usual distance of lines on this page in text heights; 1.2 when the page does not tell. */
function medianGap(lines: readonly Line[]): number {
  const gaps: number[] = [];
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1];
    if (before === undefined || before.height === 0) continue;
    const gap = (before.y - line.y) / before.height;
    if (gap > 0.7 && gap < 2.6) gaps.push(gap);
  }
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? 1.2;
}

function belongTogether(before: Line, line: Line, typicalGap: number): boolean {
  if (before.tag !== line.tag) return false;
  // A heading that the file names as such is one however its lines stand.
  if (line.tag !== undefined) return true;
  if (!before.isHorizontal || !line.isHorizontal) return false;
  const ratio = line.height / before.height;
  if (ratio < 0.8 || ratio > 1.25) return false;
  const gap = (before.y - line.y) / before.height;
  if (gap < 0.5 || gap > Math.max(maxLineGapHeights, typicalGap * 1.25)) return false;
  // Half a line more than usual is how most layouts set paragraphs apart.
  if (gap > typicalGap * 1.3 + 0.05) return false;
  return line.left < before.right && line.right > before.left;
}

type OpenParagraph = Omit<Paragraph, "text" | "lines"> & { text: string; readonly lines: Line[] };

/** One paragraph, or more where some of the lines may be a heading; the separators keep the text the same. */
function joinBlock(
  block: Block,
  words: ReadonlySet<string>,
  gapAbove: number | undefined,
): readonly Paragraph[] {
  const paragraphs: OpenParagraph[] = [];
  for (const line of block.lines) {
    const paragraph = paragraphs.at(-1);
    const before = paragraph?.lines.at(-1);
    if (paragraph === undefined || before === undefined) {
      paragraphs.push({ text: line.text, separator: "\n\n", lines: [line], gapAbove });
      continue;
    }
    const joined = continues(before, line, block)
      ? joinLineEnd(paragraph.text, line.text, words)
      : `${paragraph.text}\n${line.text}`;
    if (changesToHeading(paragraph, before, line)) {
      const separator = joined.slice(paragraph.text.length, -line.text.length);
      paragraphs.push({ text: line.text, separator, lines: [line], gapAbove: 1 });
    } else {
      paragraph.text = joined;
      paragraph.lines.push(line);
    }
  }
  return paragraphs;
}

/** Whether one of two lines near each other looks like a heading beside the other. */
function changesToHeading(paragraph: OpenParagraph, before: Line, line: Line): boolean {
  if (line.tag !== undefined || endsWithBreakableHyphen(before.text, line.text)) return false;
  if (before.size > line.size * 1.12) return isHeadingText(before.text);
  if (line.size > before.size * 1.12) return isHeadingText(line.text);
  // In the same size only a first line above a paragraph: within one, whole lines may be set in bold.
  if (paragraph.lines.length > 1 || before.font === line.font || !before.isOneFont) return false;
  if (/^\p{Ll}/u.test(line.text) || line.text.includes("\t")) return false;
  return isHeadingText(before.text) && before.right - before.left < (line.right - line.left) * 0.85;
}

function continues(before: Line, line: Line, block: Block): boolean {
  if (before.text.includes("\t") || line.text.includes("\t")) return false;
  if (listItem.test(line.text)) return false;
  if (endsWithBreakableHyphen(before.text, line.text)) return true;
  const isIndented = !line.isRightToLeft && line.left - before.left > line.height * 0.8;
  if (isIndented && !listItem.test(before.text)) return false;
  return !wouldHaveFitted(before, line, block);
}

/** Whether the first word of the next line had room: then the break was meant. */
function wouldHaveFitted(before: Line, line: Line, block: Block): boolean {
  const room = before.isRightToLeft ? before.left - block.left : block.right - before.right;
  const averageWidth = (line.right - line.left) / Math.max(1, line.text.length);
  const firstWord = /^\S{1,60}/.exec(line.text)?.[0] ?? "";
  const wordLength = isCjk(firstWord) ? 1 : firstWord.length;
  return room > averageWidth * (wordLength + 1) + before.height * 0.5;
}

function isCjk(word: string): boolean {
  return /^[\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF\uFF00-\uFFEF]/.test(word);
}

import { collectWords, endsWithBreakableHyphen, joinLineEnd } from "./hyphens.ts";
import type { Line } from "./lines.ts";

/** Lines that belong together by size and distance; `left` and `right` are the column's edges. */
type Block = { readonly lines: Line[]; left: number; right: number };

/** Lines further apart than this many times their height belong to different paragraphs. */
const maxLineGapHeights = 1.9;

const listItem =
  /^(?:[\u2022\u2023\u25AA\u25CF\u25E6\u2043\u2219\u00B7*\u2013\u2014-]\s|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]\s)/i;

/**
 * Joins the printed lines of a page to paragraphs, so that sentences come out whole. A line break
 * stays where its author put it: the next word would still have fitted, a list item or an indented
 * line begins, or the line is a table row.
 */
export function joinParagraphs(lines: readonly Line[]): string {
  const words = collectWords(lines.map((line) => line.text));
  return splitBlocks(lines)
    .map((block) => joinBlock(block, words))
    .join("\n\n");
}

function splitBlocks(lines: readonly Line[]): readonly Block[] {
  const typicalGap = medianGap(lines);
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
  if (!before.isHorizontal || !line.isHorizontal) return false;
  const ratio = line.height / before.height;
  if (ratio < 0.8 || ratio > 1.25) return false;
  const gap = (before.y - line.y) / before.height;
  if (gap < 0.5 || gap > Math.max(maxLineGapHeights, typicalGap * 1.25)) return false;
  // Half a line more than usual is how most layouts set paragraphs apart.
  if (gap > typicalGap * 1.3 + 0.05) return false;
  return line.left < before.right && line.right > before.left;
}

function joinBlock(block: Block, words: ReadonlySet<string>): string {
  let text = "";
  let before: Line | undefined;
  for (const line of block.lines) {
    if (before === undefined) text = line.text;
    else if (continues(before, line, block)) text = joinLineEnd(text, line.text, words);
    else text = `${text}\n${line.text}`;
    before = line;
  }
  return text;
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

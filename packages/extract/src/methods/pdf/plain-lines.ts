import { collectWords, endsWithBreakableHyphen, joinLineEnd } from "./hyphens.ts";

/** PDFium puts this at the end of a line whose last word continues on the next. */
const brokenWord = /[\u0002\uFFFE]\r?\n?/g;

const cjkGap = /(?<=[\u3040-\u30FF\u3400-\u9FFF]) (?=[\u3040-\u30FF\u3400-\u9FFF])/g;

/**
 * Joins lines whose place on the page is unknown: only where the next one plainly goes on, that is,
 * a long line without a final stop followed by a lower-case letter.
 */
export function joinPlainLines(text: string): string {
  const lines = withoutCjkGaps(text.replace(brokenWord, ""))
    .split(/\r?\n/)
    .map((line) => line.trim());
  const words = collectWords(lines);
  const usual = usualLength(lines);
  const joined: string[] = [];
  let lastLength = 0;
  for (const line of lines) {
    const before = joined.at(-1);
    const goesOn = before !== undefined && lastLength > usual * 0.7 && continues(before, line);
    if (goesOn) joined[joined.length - 1] = joinLineEnd(before, line, words);
    else joined.push(line);
    lastLength = line.length;
  }
  return joined.join("\n");
}

/** The median of lines long enough to be running text; one wide heading does not change it. */
function usualLength(lines: readonly string[]): number {
  const lengths = lines.map((line) => line.length).filter((length) => length > 20);
  lengths.sort((a, b) => a - b);
  return lengths[Math.floor(lengths.length / 2)] ?? Number.POSITIVE_INFINITY;
}

function continues(before: string, line: string): boolean {
  if (endsWithBreakableHyphen(before, line)) return true;
  return /^[\p{Ll}(\u201C"]/u.test(line) && !/[.!?:;\u3002]["\u201D)]?$/.test(before.slice(-3));
}

/** PDFium separates the characters of some CJK fonts; spaces that follow most of them are not meant. */
function withoutCjkGaps(text: string): string {
  const gaps = text.match(cjkGap)?.length ?? 0;
  const characters = text.match(/[\u3040-\u30FF\u3400-\u9FFF]/g)?.length ?? 0;
  return gaps > characters * 0.3 ? text.replace(cjkGap, "") : text;
}

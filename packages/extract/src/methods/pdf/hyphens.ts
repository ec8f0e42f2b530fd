/** More words than any page has; a page made to fill memory stops here. */
const maxWords = 50_000;

/** The words of a page in lower case, hyphenated ones whole: they decide whether a hyphen stays. */
export function collectWords(lines: readonly string[]): ReadonlySet<string> {
  const words = new Set<string>();
  for (const line of lines) {
    for (const match of line.matchAll(/\p{L}+(?:[-\u2010]\p{L}+)*/gu)) {
      if (words.size >= maxWords) return words;
      words.add(match[0].toLowerCase());
    }
  }
  return words;
}

/** A word broken at the line end: letter and hyphen before, lower-case letter after. */
export function endsWithBreakableHyphen(before: string, after: string): boolean {
  if (before.endsWith("\u00AD")) return true;
  return /\p{L}[-\u2010]$/u.test(before.slice(-8)) && /^\p{Ll}/u.test(after);
}

/**
 * Joins a line to the next. A hyphen at the end goes, unless the page writes the word with a hyphen
 * elsewhere ("well-known") and never without. CJK text joins without a space.
 */
export function joinLineEnd(before: string, after: string, words: ReadonlySet<string>): string {
  if (before.endsWith("\u00AD")) return before.slice(0, -1) + after;
  if (endsWithBreakableHyphen(before, after)) {
    return keepsHyphen(before, after, words) ? before + after : before.slice(0, -1) + after;
  }
  if (/[\p{L}\p{N}][-\u2010\u2013/]$/u.test(before.slice(-8)) && /^[\p{L}\p{N}]/u.test(after))
    return before + after;
  return endsInCjk(before) && beginsWithCjk(after) ? before + after : `${before} ${after}`;
}

function keepsHyphen(before: string, after: string, words: ReadonlySet<string>): boolean {
  const head = /(\p{L}+(?:[-\u2010]\p{L}+)*)[-\u2010]$/u.exec(before.slice(-80))?.[1]?.toLowerCase() ?? "";
  const tail = /^\p{L}+/u.exec(after.slice(0, 80))?.[0].toLowerCase() ?? "";
  if (words.has(head + tail)) return false;
  return words.has(`${head}-${tail}`) || head.includes("-");
}

const cjk = "\\u2E80-\\u312F\\u3190-\\u9FFF\\uF900-\\uFAFF\\uFF00-\\uFFEF";
const cjkAtEnd = new RegExp(`[${cjk}]$`);
const cjkAtStart = new RegExp(`^[${cjk}]`);

function endsInCjk(text: string): boolean {
  return cjkAtEnd.test(text.slice(-1));
}

function beginsWithCjk(text: string): boolean {
  return cjkAtStart.test(text.slice(0, 1));
}

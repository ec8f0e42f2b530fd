import type { Highlight } from "@millrace/contracts";

/** Private-use characters: they can't be in a document's text by accident, and need no escaping. */
export const matchStart = "\uE000";
export const matchEnd = "\uE001";

/** Turns a passage with marks around its matches into runs of text. */
export function parseHighlights(marked: string): Highlight[] {
  const runs: Highlight[] = [];
  for (const [index, part] of marked.split(matchStart).entries()) {
    const end = index === 0 ? 0 : part.indexOf(matchEnd);
    const isClosed = index > 0 && end >= 0;
    if (isClosed) runs.push({ text: part.slice(0, end), match: true });
    const rest = isClosed ? part.slice(end + matchEnd.length) : part;
    runs.push({ text: rest.replaceAll(matchEnd, ""), match: false });
  }
  return runs.filter((run) => run.text !== "");
}

/** How much of a passage is shown around the first match, in characters. */
const shownCharacters = 400;

/**
 * Marks plain occurrences of words, for scripts in which PostgreSQL sees no words; shows the part
 * around the first one.
 */
export function highlightWords(text: string, words: readonly string[]): Highlight[] {
  const wanted = words.filter((word) => word.trim() !== "").map((word) => RegExp.escape(word));
  if (wanted.length === 0) return [{ text: text.slice(0, shownCharacters), match: false }];
  const pattern = new RegExp(wanted.join("|"), "giu");
  const first = text.search(pattern);
  const from = Math.max(0, first - shownCharacters / 4);
  const shown = text.slice(from, from + shownCharacters);
  return parseHighlights(shown.replace(pattern, (match) => `${matchStart}${match}${matchEnd}`));
}

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

/** Between parts of a passage that PostgreSQL marked. */
export const partDelimiter = " … ";

/** Where the first match stands in a text that PostgreSQL marked parts of; undefined when it marked none. */
export function findMarked(text: string, marked: string): number | undefined {
  const start = marked.indexOf(matchStart);
  if (start < 0) return undefined;
  const partEnd = marked.indexOf(partDelimiter, start);
  const part = marked.slice(0, partEnd < 0 ? undefined : partEnd);
  const place = text.indexOf(part.replaceAll(matchStart, "").replaceAll(matchEnd, ""));
  if (place >= 0) return place + start;
  // PostgreSQL leaves tags out of its parts: then the match is where its word first stands.
  const word = text.indexOf(marked.slice(start + matchStart.length, marked.indexOf(matchEnd, start)));
  return word < 0 ? undefined : word;
}

/** How much of a passage is shown around the first match, in characters. */
const shownCharacters = 400;

/**
 * Marks plain occurrences of words, for scripts in which PostgreSQL sees no words; shows the part
 * around the first one.
 */
export function highlightWords(text: string, words: readonly string[]): Highlight[] {
  const pattern = wordPattern(words);
  if (pattern === undefined) return [{ text: text.slice(0, shownCharacters), match: false }];
  const first = text.search(pattern);
  const from = Math.max(0, first - shownCharacters / 4);
  const shown = text.slice(from, from + shownCharacters);
  return parseHighlights(shown.replace(pattern, (match) => `${matchStart}${match}${matchEnd}`));
}

/** Where the first of the words that `highlightWords` marks stands; undefined when none does. */
export function findWord(text: string, words: readonly string[]): number | undefined {
  const pattern = wordPattern(words);
  const place = pattern === undefined ? -1 : text.search(pattern);
  return place < 0 ? undefined : place;
}

function wordPattern(words: readonly string[]): RegExp | undefined {
  const wanted = words.filter((word) => word.trim() !== "").map((word) => RegExp.escape(word));
  return wanted.length === 0 ? undefined : new RegExp(wanted.join("|"), "giu");
}

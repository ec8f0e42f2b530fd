/** A passage in a document's text: character offsets, the end not included. */
export type HighlightRange = { readonly start: number; readonly end: number };

/** Longer marks would colour a whole page and say nothing. */
const maxLength = 20_000;

/** Reads `start-end` from a link; undefined for anything else. */
export function readHighlight(value: unknown): HighlightRange | undefined {
  const match = typeof value === "string" ? /^(\d{1,10})-(\d{1,10})$/.exec(value) : null;
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = Math.min(Number(match[2]), start + maxLength);
  return end > start ? { start, end } : undefined;
}

export type TextRun = { readonly text: string; readonly isMarked: boolean };

/** Cuts one piece of text, which begins at `offset`, into what is marked and what is not. */
export function cutRuns(text: string, offset: number, range: HighlightRange | undefined): TextRun[] {
  if (range === undefined) return [{ text, isMarked: false }];
  const from = Math.min(Math.max(range.start - offset, 0), text.length);
  const to = Math.min(Math.max(range.end - offset, from), text.length);
  return [
    { text: text.slice(0, from), isMarked: false },
    { text: text.slice(from, to), isMarked: true },
    { text: text.slice(to), isMarked: false },
  ].filter((run) => run.text !== "");
}

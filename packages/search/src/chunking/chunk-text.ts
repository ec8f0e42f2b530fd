import { createHash } from "node:crypto";
import { HeadingTrail } from "./heading-trail.ts";

/** A passage of a text, by character offsets into it. */
export type Chunk = {
  readonly ordinal: number;
  readonly charStart: number;
  readonly charEnd: number;
  readonly page: number | null;
  /** The headings above it, outermost first, such as `Install › With Docker`; null where there is none. */
  readonly section: string | null;
  readonly text: string;
  readonly tokenCount: number;
  readonly contentHash: string;
};

export type PageRange = { readonly page: number; readonly charStart: number; readonly charEnd: number };

/**
 * About 400 tokens of Latin text: small enough that a hit is a passage and not a page, large enough
 * to hold a thought (facts: 350 to 500 is what retrieval is tuned for). Untuned beyond that.
 */
const targetCharacters = 1_600;
/** A paragraph this long is cut at sentences, then at words, then anywhere. */
const maxCharacters = 2_400;
/** The event loop gets a turn after this much text. */
const sliceCharacters = 64_000;

/**
 * Cuts a text into passages of whole paragraphs where possible; a long paragraph is cut at
 * sentences. Every character that is not white space is in exactly one passage. Gives the event
 * loop a turn regularly, since a text may be 20 million characters.
 */
export async function chunkText(text: string, pages: readonly PageRange[]): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const headings = new HeadingTrail();
  const titledPages = pages.map(({ charStart }) => charStart).filter((at) => text.startsWith("# ", at));
  let nextTitled = 0;
  let start = 0;
  let sinceTurn = 0;
  while (start < text.length) {
    while ((titledPages[nextTitled] ?? text.length) <= start && nextTitled < titledPages.length)
      nextTitled += 1;
    // Slides and sheets stand for themselves: a passage of two would name the wrong one.
    const end = Math.min(findEnd(text, start), titledPages[nextTitled] ?? text.length);
    const trimmed = trimRange(text, start, end);
    if (trimmed.start < trimmed.end) {
      const passage = text.slice(trimmed.start, trimmed.end);
      const section = headings.enter(passage);
      chunks.push({ ...makeChunk(text, trimmed, chunks.length, pages), section });
    }
    sinceTurn += end - start;
    start = end;
    if (sinceTurn >= sliceCharacters) {
      sinceTurn = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return chunks;
}

/** Where the passage that begins at `start` ends: the best break near the target. */
function findEnd(text: string, start: number): number {
  if (text.length - start <= maxCharacters) return text.length;
  const window = text.slice(start, start + maxCharacters);
  const breaks = [/\n[ \t]*\n+/g, /\n(?=#{1,6} )/g, /[.!?。！？]["'”’)\]]*\s+|[。！？]/g, /\s+/g];
  for (const pattern of breaks) {
    const end = lastBreak(window, pattern);
    if (end !== undefined) return start + end;
  }
  // No break at all: never between the halves of a character outside the basic plane.
  const splitsPair = /[\uD800-\uDBFF]/.test(window.charAt(window.length - 1));
  return start + window.length - (splitsPair ? 1 : 0);
}

/** The end of the break that is nearest to the target, if there is one in the useful range. */
function lastBreak(window: string, pattern: RegExp): number | undefined {
  let best: number | undefined;
  for (const match of window.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (end < targetCharacters / 2) continue;
    if (best !== undefined && Math.abs(end - targetCharacters) > Math.abs(best - targetCharacters)) break;
    best = end;
  }
  return best;
}

function trimRange(text: string, start: number, end: number): { start: number; end: number } {
  let from = start;
  let to = end;
  while (from < to && /\s/.test(text.charAt(from))) from++;
  while (to > from && /\s/.test(text.charAt(to - 1))) to--;
  return { start: from, end: to };
}

function makeChunk(
  text: string,
  range: { start: number; end: number },
  ordinal: number,
  pages: readonly PageRange[],
): Omit<Chunk, "section"> {
  const passage = text.slice(range.start, range.end);
  return {
    ordinal,
    charStart: range.start,
    charEnd: range.end,
    page: pages.find((page) => range.start < page.charEnd)?.page ?? null,
    text: passage,
    tokenCount: Math.ceil(Buffer.byteLength(passage) / 4),
    contentHash: createHash("sha256").update(passage).digest("hex"),
  };
}

import { estimateTokens } from "./estimate-tokens.ts";
import { splitByTokens } from "./split-by-tokens.ts";
import type { TextChunk } from "./split-by-tokens.ts";

export type StructureSplitOptions = {
  /** The most estimated tokens of a chunk. At least 16. */
  readonly maxTokens: number;
  /** From here on a chunk ends at the best place that comes, so that it is rarely shorter. At most `maxTokens`. */
  readonly minTokens: number;
};

/** A run of a text that is better not cut, and how good a place its beginning is for a cut. */
type Unit = {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
  readonly rank: number;
};

const beforeTitle = 3;
const beforeHeading = 2;
const betweenParagraphs = 1;
const withinParagraph = 0;

/**
 * Cuts a text where its author would: before headings, else between paragraphs; headings stay with
 * what follows, fenced code and tables stay whole when they fit. No character is lost or repeated.
 * Among equally good places the text around them decides, not their distance from the beginning, so
 * that most chunks stay the same when something is inserted or removed elsewhere. Linear time.
 * Throws `invalid_chunk_size` for fewer than 16 tokens.
 */
export function splitByStructure(text: string, options: StructureSplitOptions): TextChunk[] {
  const units = findUnits(text).flatMap((unit) => cutLarge(text, unit, options.maxTokens));
  const chunks: TextChunk[] = [];
  for (let first = 0; first < units.length;) {
    const next = endOfChunk(text, units, first, options);
    const start = units[first]?.start ?? 0;
    const end = units[next - 1]?.end ?? text.length;
    chunks.push({ text: text.slice(start, end), start, end, overlap: 0 });
    first = next;
  }
  return chunks;
}

/** The number of the unit that the next chunk begins with. */
function endOfChunk(
  text: string,
  units: readonly Unit[],
  first: number,
  { minTokens, maxTokens }: StructureSplitOptions,
): number {
  let tokens = units[first]?.tokens ?? 0;
  let best: { readonly next: number; readonly rank: number; readonly mark: number } | undefined;
  let next = first + 1;
  for (; next < units.length; next += 1) {
    const unit = units[next];
    if (unit === undefined) break;
    if (tokens >= minTokens) {
      const mark = markOf(text, unit.start);
      if (best === undefined || unit.rank > best.rank || (unit.rank === best.rank && mark < best.mark)) {
        best = { next, rank: unit.rank, mark };
      }
    }
    if (tokens + unit.tokens > maxTokens) return best?.next ?? next;
    tokens += unit.tokens;
  }
  return next;
}

const markedCharacters = 64;

/** A number that depends on nothing but the next characters (FNV-1a). */
function markOf(text: string, start: number): number {
  let value = 0x811c9dc5;
  const end = Math.min(text.length, start + markedCharacters);
  for (let index = start; index < end; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** A paragraph longer than a chunk is cut between sentences, a line without any where it must be. */
function cutLarge(text: string, unit: Unit, maxTokens: number): Unit[] {
  if (unit.tokens <= maxTokens) return [unit];
  return splitByTokens(text.slice(unit.start, unit.end), { maxTokens }).map((piece, index) => ({
    start: unit.start + piece.start,
    end: unit.start + piece.end,
    tokens: estimateTokens(piece.text),
    rank: index === 0 ? unit.rank : withinParagraph,
  }));
}

const fence = /^ {0,3}(`{3,}|~{3,})/;
const heading = /^ {0,3}(#{1,6})[ \t]/;
// Looking at more of a line would cost much on lines of megabytes and tell nothing.
const looked = 80;

/** Paragraphs with the blank lines after them, headings with their first paragraph, fenced code in one. */
function findUnits(text: string): Unit[] {
  const units: Unit[] = [];
  let start = 0;
  let rank = withinParagraph;
  let open: string | undefined;
  let isHeadingOnly = false;
  let isAfterBlank = false;
  const close = (end: number): void => {
    if (end > start) units.push({ start, end, tokens: estimateTokens(text.slice(start, end)), rank });
    start = end;
  };
  for (let position = 0; position < text.length;) {
    const newline = text.indexOf("\n", position);
    const end = newline === -1 ? text.length : newline + 1;
    const line = text.slice(position, Math.min(end, position + looked));
    const marker = fence.exec(line)?.[1];
    if (open !== undefined) {
      if (marker?.startsWith(open) === true) open = undefined;
    } else if (line.trim() === "") {
      isAfterBlank = true;
    } else {
      const level = heading.exec(line)?.[1]?.length;
      if (level !== undefined && !isHeadingOnly) {
        close(position);
        rank = level <= 2 ? beforeTitle : beforeHeading;
        isHeadingOnly = true;
      } else if (isAfterBlank && !isHeadingOnly) {
        close(position);
        rank = betweenParagraphs;
      } else if (level === undefined) {
        isHeadingOnly = false;
      }
      isAfterBlank = false;
      open = marker;
    }
    position = end;
  }
  close(text.length);
  return units;
}

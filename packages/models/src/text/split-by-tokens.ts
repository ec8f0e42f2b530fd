import { modelErrors } from "../errors.ts";
import { tokenQuarters } from "./estimate-tokens.ts";

/** A run of a text: `text.slice(start, end)`. Offsets are UTF-16 code units of the whole text. */
export type TextChunk = {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Characters at the beginning that repeat the end of the chunk before. */
  readonly overlap: number;
};

export type SplitOptions = {
  /** The most estimated tokens of a chunk, overlap included. At least 16. */
  readonly maxTokens: number;
  /** How many sentences of the chunk before are repeated, at most a quarter of `maxTokens`. Default 0. */
  readonly overlapSentences?: number;
};

const smallestChunkTokens = 16;

/**
 * Cuts a text into chunks that fit, preferably between paragraphs, else sentences, lines, words.
 * No character is lost: each chunk goes on where the one before ended, minus its overlap. Linear
 * time whatever the text is made of. Throws `invalid_chunk_size` for fewer than 16 tokens.
 */
export function splitByTokens(text: string, options: SplitOptions): TextChunk[] {
  if (options.maxTokens < smallestChunkTokens) throw modelErrors.invalidChunkSize(smallestChunkTokens);
  const budget = Math.floor(options.maxTokens) * 4;
  const chunks: TextChunk[] = [];
  let position = 0;
  while (position < text.length) {
    const start = overlapStart(text, position, options.overlapSentences ?? 0, budget / 4);
    const end = findCut(text, start, position, budget);
    chunks.push({ text: text.slice(start, end), start, end, overlap: position - start });
    position = end;
  }
  return chunks;
}

/** Where the chunk that repeats from `start` and goes on at `position` should end. */
function findCut(text: string, start: number, position: number, budget: number): number {
  let spent = 0;
  for (let index = start; index < position; index += 1) spent += tokenQuarters(text.charCodeAt(index));
  const cuts: Cuts = { paragraph: 0, sentence: 0, line: 0, word: 0 };
  // A boundary earlier than this would waste the chunk, and cutting back further than this share
  // would make the walk over the same characters more than linear.
  const earliest = spent + (budget - spent) * 0.5;
  let index = position;
  while (index < text.length) {
    const width = isHighSurrogate(text.charCodeAt(index)) && index + 1 < text.length ? 2 : 1;
    const cost =
      tokenQuarters(text.charCodeAt(index)) + (width === 2 ? tokenQuarters(text.charCodeAt(index + 1)) : 0);
    if (spent + cost > budget && index > position) return bestCut(cuts) ?? index;
    spent += cost;
    index += width;
    if (spent >= earliest) noteBoundary(text, index, cuts);
  }
  return text.length;
}

type Cuts = { paragraph: number; sentence: number; line: number; word: number };

function bestCut(cuts: Cuts): number | undefined {
  const cut = cuts.paragraph || cuts.sentence || cuts.line || cuts.word;
  return cut === 0 ? undefined : cut;
}

/** Records that a cut before `index` would fall on a boundary, when it would. */
function noteBoundary(text: string, index: number, cuts: Cuts): void {
  const before = text.charCodeAt(index - 1);
  if (isIdeographicStop(before)) {
    cuts.sentence = index;
    return;
  }
  if (!isSpace(before) || isSpace(text.charCodeAt(index))) return;
  cuts.word = index;
  if (before === newline) cuts.line = index;
  if (before === newline && text.charCodeAt(index - 2) === newline) cuts.paragraph = index;
  if (endsSentence(text, index)) cuts.sentence = index;
}

/** Whether the last visible characters before `index` close a sentence. Looks back a few characters only. */
function endsSentence(text: string, index: number): boolean {
  let back = index - 1;
  const farthest = Math.max(0, index - 8);
  while (back > farthest && (isSpace(text.charCodeAt(back)) || closers.includes(text.charAt(back))))
    back -= 1;
  return sentenceStops.includes(text.charAt(back));
}

/** The start of the last `count` sentences before `position`, within `budget` quarter tokens. */
function overlapStart(text: string, position: number, count: number, budget: number): number {
  if (count <= 0 || position === 0) return position;
  let start = position;
  let found = 0;
  let spent = 0;
  for (let index = position - 1; index > 0 && found < count; index -= 1) {
    spent += tokenQuarters(text.charCodeAt(index));
    if (spent > budget) break;
    if (isSentenceStart(text, index)) {
      start = index;
      found += 1;
    }
  }
  return start;
}

function isSentenceStart(text: string, index: number): boolean {
  const before = text.charCodeAt(index - 1);
  if (isIdeographicStop(before)) return true;
  return isSpace(before) && !isSpace(text.charCodeAt(index)) && endsSentence(text, index);
}

const newline = 10;
const sentenceStops = ".!?…؟।";
const closers = "\"')]}»”’";

function isIdeographicStop(codeUnit: number): boolean {
  return codeUnit === 0x3002 || codeUnit === 0xff01 || codeUnit === 0xff1f;
}

function isSpace(codeUnit: number): boolean {
  return codeUnit === 32 || (codeUnit >= 9 && codeUnit <= 13) || codeUnit === 0xa0 || codeUnit === 0x3000;
}

function isHighSurrogate(codeUnit: number): boolean {
  return codeUnit >= 0xd800 && codeUnit <= 0xdbff;
}

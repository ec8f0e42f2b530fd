import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import { heightOf, isVisible, leftOf, yOf } from "./pieces.ts";

/** How far apart the drawings of one text are at most, in text heights, as in poppler's `pdftotext`. */
const maxShiftHeights = 0.2;

/** Drawings of one text follow each other, or all of a line follows all of it, or a page lies under a page. */
const comparedOfSameText = 8;
const comparedBefore = 4;

/** Characters of one line; more are no text. */
const maxCommon = 200;

/**
 * Leaves out what is drawn again over itself, to look bold or to throw a shadow: a reader sees it once. Also where the
 * drawings are cut into pieces at other places.
 */
export function dropDoubled(items: readonly TextItem[]): readonly TextItem[] {
  const kept: TextItem[] = [];
  const sameText = new Map<string, TextItem[]>();
  let before: TextItem[] = [];
  for (const drawn of items) {
    // Its height is the length of its line, and what is known of its place is where that begins.
    if (drawn.dir === "ttb") {
      kept.push(drawn);
      continue;
    }
    const same = sameText.get(drawn.str) ?? [];
    const isDoubled = isVisible(drawn) && [...same, ...before].some((other) => holds(other, drawn));
    const item = isDoubled ? { ...drawn, str: "" } : before.reduce(withoutCommon, drawn);
    kept.push(item);
    if (!isVisible(item)) continue;
    const held = before.filter((other) => holds(item, other));
    for (const other of held) kept[kept.lastIndexOf(other)] = { ...other, str: "" };
    before = [...before.filter((other) => !held.includes(other)), item].slice(-comparedBefore);
    sameText.set(item.str, [...same, item].slice(-comparedOfSameText));
  }
  return kept;
}

function holds(whole: TextItem, part: TextItem): boolean {
  const shift = maxShift(whole);
  return (
    whole.str.includes(part.str) &&
    isSameLine(whole, part) &&
    leftOf(part) >= leftOf(whole) - shift &&
    rightOf(part) <= rightOf(whole) + shift
  );
}

/** The piece without its beginning, where that is drawn over the end of the other. */
function withoutCommon(piece: TextItem, other: TextItem): TextItem {
  const common = rightOf(other) - leftOf(piece);
  const isOver = common > maxShift(other) && common < piece.width && leftOf(other) < leftOf(piece);
  if (!isOver || !isVisible(piece) || !isSameLine(other, piece)) return piece;
  for (let length = Math.min(piece.str.length, other.str.length, maxCommon); length > 0; length -= 1) {
    if (!other.str.endsWith(piece.str.slice(0, length))) continue;
    const transform = piece.transform.map((value: unknown, at) => Number(value) + (at === 4 ? common : 0));
    return { ...piece, str: piece.str.slice(length), transform, width: piece.width - common };
  }
  return piece;
}

function isSameLine(a: TextItem, b: TextItem): boolean {
  return Math.abs(yOf(a) - yOf(b)) <= maxShift(a) && Math.abs(heightOf(a) - heightOf(b)) <= maxShift(a);
}

function maxShift(piece: TextItem): number {
  return heightOf(piece) * maxShiftHeights;
}

function rightOf(piece: TextItem): number {
  return leftOf(piece) + piece.width;
}

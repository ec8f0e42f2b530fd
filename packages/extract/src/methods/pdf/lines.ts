import type { TextItem } from "pdfjs-dist/types/src/display/api.js";

/** One printed line: its text and its place on the page, in points, y growing upwards. */
export type Line = {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly y: number;
  readonly height: number;
  readonly isRightToLeft: boolean;
  /** Turned or vertical text has no lines in this sense; it is never joined. */
  readonly isHorizontal: boolean;
};

/** A gap wider than this many text heights separates table cells, not words. */
const cellGapHeights = 1.5;

/** Puts the pieces of a page together to lines, in the order in which the file draws them. */
export function assembleLines(items: readonly TextItem[]): readonly Line[] {
  const lines: Line[] = [];
  let pieces: TextItem[] = [];
  for (const item of items) {
    if (item.str !== "") pieces.push(item);
    if (!item.hasEOL) continue;
    lines.push(assembleLine(pieces));
    pieces = [];
  }
  if (pieces.length > 0) lines.push(assembleLine(pieces));
  return lines.filter((line) => line.text !== "");
}

function assembleLine(pieces: readonly TextItem[]): Line {
  const visible = pieces.filter((piece) => piece.str.trim() !== "");
  const first = visible[0];
  const text = pieces.map(textOfPiece).join("").trim();
  if (first === undefined) {
    return { text: "", left: 0, right: 0, y: 0, height: 0, isRightToLeft: false, isHorizontal: false };
  }
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  for (const piece of visible) {
    const x = numberAt(piece, 4);
    left = Math.min(left, x);
    right = Math.max(right, x + piece.width);
  }
  const height = visible.reduce((max, piece) => Math.max(max, heightOf(piece)), 0);
  return {
    text,
    left,
    right,
    y: numberAt(first, 5),
    height,
    isRightToLeft: first.dir === "rtl",
    isHorizontal: first.dir !== "ttb" && Math.abs(numberAt(first, 1)) < 0.01 && height > 0,
  };
}

function textOfPiece(piece: TextItem): string {
  const isGap = piece.str.trim() === "" && piece.width > heightOf(piece) * cellGapHeights && piece.height > 0;
  return isGap ? "\t" : piece.str;
}

function heightOf(piece: TextItem): number {
  if (piece.height > 0) return piece.height;
  return Math.hypot(numberAt(piece, 2), numberAt(piece, 3));
}

function numberAt(piece: TextItem, index: number): number {
  const value: unknown = piece.transform[index];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

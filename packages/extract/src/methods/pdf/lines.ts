import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import type { HeadingTag } from "./heading-tags.ts";
import { heightOf, isHorizontal, isVisible, leftOf, yOf } from "./pieces.ts";
import type { Row } from "./pieces.ts";

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
  /** Size and font of most of its characters. */
  readonly size: number;
  readonly font: string;
  /** Whether nearly all of it is in that font. */
  readonly isOneFont: boolean;
  /** The heading of a tagged PDF to which all of it belongs. */
  readonly tag?: HeadingTag | undefined;
};

/** A gap wider than this many text heights separates table cells, not words. */
const cellGapHeights = 1.5;

/** Puts the pieces of each row together to a line; `tags` knows those that belong to headings. */
export function assembleLines(
  rows: readonly Row[],
  tags: ReadonlyMap<TextItem, HeadingTag> = new Map(),
): readonly Line[] {
  return rows.map((row) => assembleLine(row, tags)).filter((line) => line.text !== "");
}

function assembleLine(pieces: Row, tags: ReadonlyMap<TextItem, HeadingTag>): Line {
  const visible = pieces.filter(isVisible);
  const first = visible[0];
  const text = joinPieces(pieces).trim();
  if (first === undefined) {
    const nowhere = { left: 0, right: 0, y: 0, height: 0, isRightToLeft: false, isHorizontal: false };
    return { text: "", ...nowhere, size: 0, font: "", isOneFont: false };
  }
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  for (const piece of visible) {
    const x = leftOf(piece);
    left = Math.min(left, x);
    right = Math.max(right, x + piece.width);
  }
  const height = visible.reduce((max, piece) => Math.max(max, heightOf(piece)), 0);
  return {
    text,
    left,
    right,
    y: yOf(first),
    height,
    isRightToLeft: first.dir === "rtl",
    isHorizontal: isHorizontal(first) && height > 0,
    ...styleOf(visible, first),
    tag: tags.size > 0 ? tagOf(visible, tags) : undefined,
  };
}

/** The style of the longest piece stands for the line. */
function styleOf(visible: Row, first: TextItem): Pick<Line, "size" | "font" | "isOneFont"> {
  const main = visible.reduce(
    (longest, piece) => (piece.str.length > longest.str.length ? piece : longest),
    first,
  );
  let all = 0;
  let same = 0;
  for (const { str, fontName } of visible) {
    all += str.length;
    if (fontName === main.fontName) same += str.length;
  }
  return { size: heightOf(main), font: main.fontName, isOneFont: same >= all * 0.9 };
}

function tagOf(visible: Row, tags: ReadonlyMap<TextItem, HeadingTag>): HeadingTag | undefined {
  const [tag, ...others] = visible.map((piece) => tags.get(piece));
  return others.every((other) => other === tag) ? tag : undefined;
}

/** What stands before the text of a heading or a list item, however far. */
const label = /^\s*(?:[^\p{L}\p{N}\s]{1,2}|[([]?(?:\p{N}[\p{N}.]{0,8}|\p{L}|[ivxIVX]{1,5})[.)\]]?)$/u;

function joinPieces(pieces: Row): string {
  let text = "";
  let before: TextItem | undefined;
  for (const [index, piece] of pieces.entries()) {
    if (isVisible(piece)) {
      const isGlued = before !== undefined && before === pieces[index - 1] && isOnLineBelow(before, piece);
      text += isGlued ? ` ${piece.str}` : piece.str;
      before = piece;
      continue;
    }
    const after = pieces[index + 1];
    const isGap = before !== undefined && after !== undefined && isCellGap(before, after);
    const isLabel = isGap && label.test(text) && /^\p{L}/u.test(after.str);
    text += isGap && !isLabel ? "\t" : piece.str;
  }
  return text;
}

/** The library now and then sees no end of a line. */
function isOnLineBelow(before: TextItem, after: TextItem): boolean {
  return isHorizontal(before) && isHorizontal(after) && yOf(before) - yOf(after) >= heightOf(before);
}

/** Blank pieces know no height, and their width is in a scale of its own: the pieces around them tell. */
function isCellGap(before: TextItem, after: TextItem): boolean {
  const gap = Math.max(
    leftOf(after) - leftOf(before) - before.width,
    leftOf(before) - leftOf(after) - after.width,
  );
  return isHorizontal(before) && isVisible(after) && gap > heightOf(before) * cellGapHeights;
}

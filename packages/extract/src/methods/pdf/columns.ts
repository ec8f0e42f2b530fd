import { heightOf, isHorizontal, isVisible, leftOf, yOf } from "./pieces.ts";
import type { Row } from "./pieces.ts";

/** A row with its place: `pieces` are the visible ones from left to right, empty for turned text. */
type PlacedRow = {
  readonly row: Row;
  readonly pieces: readonly Span[];
  readonly y: number;
  readonly height: number;
};

type Span = { readonly left: number; readonly right: number };

/** Text with fewer lines side by side may be anything; more would leave short columns mixed. */
const minColumnLines = 4;

/** A gap this wide, in text heights, may be a gutter; PDF.js joins what is nearer than 0.6. */
const minGutterHeights = 0.8;

/** Rows this far apart, in text heights, are not of the same columns: a running head, a table below. */
const maxRowGapHeights = 3;

/** Four columns of running text are rarer than tables with four columns. */
const maxColumns = 3;

/**
 * Puts the rows of columns that a file draws line by line across the page into the order in which they are
 * read: column after column, from the right in right-to-left text, between the lines that go over the whole
 * width. Only running text is moved: a table stays row by row. Rows already in order stay as they are.
 */
export function readByColumns(rows: readonly Row[]): readonly Row[] {
  if (rows.length < minColumnLines) return rows;
  const placed = rows.map(placeRow);
  const gutters = findGutters(placed);
  const [best] = gutters;
  if (best === undefined) return rows;
  return arrange(placed, gutters) ?? (gutters.length > 1 ? arrange(placed, [best]) : undefined) ?? rows;
}

function placeRow(row: Row): PlacedRow {
  const visible = row.filter(isVisible);
  const [first] = visible;
  const isPlaced = first !== undefined && visible.every(isHorizontal);
  return {
    row,
    pieces: isPlaced
      ? visible
          .map((piece) => ({ left: leftOf(piece), right: leftOf(piece) + piece.width }))
          .toSorted((a, b) => a.left - b.left)
      : [],
    y: first === undefined ? 0 : yOf(first),
    height: visible.reduce((max, piece) => Math.max(max, heightOf(piece)), 0),
  };
}

/** The middles of up to two bands that many gaps share, most shared first; none where the page looks like a table. */
function findGutters(rows: readonly PlacedRow[]): readonly number[] {
  let gaps = collectGaps(rows);
  const gutters: number[] = [];
  let most = 0;
  while (gaps.length >= minColumnLines) {
    const { x, count } = mostShared(gaps);
    most ||= count;
    if (count < minColumnLines || count < most * 0.6) break;
    gutters.push(x);
    if (gutters.length === maxColumns) return [];
    gaps = gaps.filter((gap) => gap.left > x || gap.right < x);
  }
  return gutters;
}

/** Gaps between pieces of a row, and between rows that stand beside each other. */
function collectGaps(rows: readonly PlacedRow[]): readonly Span[] {
  const gaps: Span[] = [];
  let before: PlacedRow | undefined;
  for (const current of rows) {
    const isBeside = before !== undefined && standBeside(before, current);
    const pieces = isBeside && before !== undefined ? joinSpans(before, current) : current.pieces;
    for (const [index, piece] of pieces.entries()) {
      const next = pieces[index + 1];
      if (next !== undefined && next.left - piece.right >= current.height * minGutterHeights)
        gaps.push({ left: piece.right, right: next.left });
    }
    before = current;
  }
  return gaps;
}

/** The inner edges of two rows side by side. */
function joinSpans(a: PlacedRow, b: PlacedRow): readonly Span[] {
  return [...a.pieces, ...b.pieces].toSorted((one, other) => one.left - other.left);
}

function standBeside(a: PlacedRow, b: PlacedRow): boolean {
  if (Math.abs(a.y - b.y) >= Math.min(a.height, b.height) * 0.9) return false;
  const [aEdges, bEdges] = [edgesOf(a), edgesOf(b)];
  return aEdges.right < bEdges.left || bEdges.right < aEdges.left;
}

function edgesOf({ pieces }: PlacedRow): Span {
  return { left: pieces[0]?.left ?? 0, right: pieces.reduce((max, { right }) => Math.max(max, right), 0) };
}

/** The middle of the band in which most of the gaps overlap. */
function mostShared(gaps: readonly Span[]): { readonly x: number; readonly count: number } {
  const edges = gaps
    .flatMap(({ left, right }) => [
      { x: left, step: 1 },
      { x: right, step: -1 },
    ])
    .toSorted((a, b) => a.x - b.x || b.step - a.step);
  let open = 0;
  let best = { x: 0, count: 0 };
  for (const [index, { x, step }] of edges.entries()) {
    open += step;
    if (open > best.count) best = { x: (x + (edges[index + 1]?.x ?? x)) / 2, count: open };
  }
  return best;
}

/** The rows in reading order; undefined where no part of the page has such columns. */
function arrange(rows: readonly PlacedRow[], gutters: readonly number[]): readonly Row[] | undefined {
  const ascending = gutters.toSorted((a, b) => a - b);
  const arranged: Row[] = [];
  let band: PlacedRow[] = [];
  let isChanged = false;
  const endBand = (): void => {
    const columns = splitBand(band, ascending);
    isChanged ||= columns !== undefined;
    for (const row of columns ?? band.map(({ row }) => row)) arranged.push(row);
    band = [];
  };
  for (const row of rows) {
    const before = band.at(-1);
    if (before !== undefined && Math.abs(before.y - row.y) > row.height * maxRowGapHeights) endBand();
    if (ascending.every((x) => isFreeAt(row, x))) band.push(row);
    else {
      endBand();
      arranged.push(row.row);
    }
  }
  endBand();
  return isChanged ? arranged : undefined;
}

/** Whether a row has nothing at `x`, and not a mere word gap. */
function isFreeAt({ pieces, height }: PlacedRow, x: number): boolean {
  if (pieces.length === 0) return false;
  let left = Number.NEGATIVE_INFINITY;
  let right = Number.POSITIVE_INFINITY;
  for (const piece of pieces) {
    if (piece.left < x - 0.5 && piece.right > x + 0.5) return false;
    if (piece.right <= x + 0.5) left = Math.max(left, piece.right);
    else right = Math.min(right, piece.left);
  }
  return right - left >= height * 0.6;
}

function splitBand(band: readonly PlacedRow[], gutters: readonly number[]): readonly Row[] | undefined {
  if (band.length < minColumnLines) return undefined;
  const columns = [...gutters, Number.POSITIVE_INFINITY].map((end, index) => {
    const start = gutters[index - 1] ?? Number.NEGATIVE_INFINITY;
    return band
      .map(({ row }) => row.filter((piece) => isWithin(leftOf(piece) + piece.width / 2, start, end)))
      .filter((row) => row.some(isVisible));
  });
  const fewest = Math.min(...columns.map((rows) => rows.length));
  if (fewest < minColumnLines || countMixed(band, gutters) < fewest * 0.5) return undefined;
  if (!columns.every(isRunningText)) return undefined;
  const pieces = columns.flat(2).filter(isVisible);
  const isRightToLeft = pieces.filter(({ dir }) => dir === "rtl").length > pieces.length / 2;
  return (isRightToLeft ? columns.toReversed() : columns).flat();
}

function isWithin(x: number, start: number, end: number): boolean {
  return x >= start && x < end;
}

/** How often the file goes from one column to another on the same height: once a line where it draws line by line. */
function countMixed(band: readonly PlacedRow[], gutters: readonly number[]): number {
  return band.filter((row, index) => {
    const { left, right } = edgesOf(row);
    if (gutters.some((x) => left < x && right > x)) return true;
    const before = band[index - 1];
    return before !== undefined && edgesOf(before).right < left && standBeside(before, row);
  }).length;
}

/** Whether lines are full and sentences go on from line to line, which cells of a table don't do. */
function isRunningText(rows: readonly Row[]): boolean {
  const lines = rows.map((row) => {
    const { pieces, height } = placeRow(row);
    const text = row
      .map(({ str }) => str)
      .join("")
      .trim();
    const { left, right } = { left: pieces[0]?.left ?? 0, right: pieces.at(-1)?.right ?? 0 };
    const hasGap = pieces.some(
      (piece, index) => piece.left - (pieces[index - 1]?.right ?? piece.left) > height * 1.5,
    );
    return { text, left, right, hasGap };
  });
  const width =
    lines.reduce((max, { right }) => Math.max(max, right), 0) -
    lines.reduce((min, { left }) => Math.min(min, left), Number.POSITIVE_INFINITY);
  const share = (test: (line: (typeof lines)[number]) => boolean): number =>
    lines.filter(test).length / lines.length;
  const fullLines = share(({ left, right }) => right - left >= width * 0.7);
  if (
    fullLines < 0.5 ||
    share(({ hasGap }) => hasGap) > 0.2 ||
    share(({ text }) => isMostlyNumbers(text)) > 0.2
  )
    return false;
  // Cells hold names and numbers, sentences have commas and stops.
  if (share(({ text }) => /[.,;:!?\u3002\u3001\uFF0C\u060C\u061B\u061F\u06D4](?:\s|$)/.test(text)) < 0.2)
    return false;
  // Scripts without capitals don't show where a sentence goes on; their lines must be the fuller.
  if (share(({ text }) => /^\P{L}*[\p{Lu}\p{Ll}]/u.test(text)) < 0.5)
    return fullLines >= 0.6 && averageLength(lines) >= 8;
  return share(({ text }) => /^\p{Ll}/u.test(text)) >= 0.3 && averageLength(lines) >= 20;
}

function averageLength(lines: readonly { readonly text: string }[]): number {
  return lines.reduce((sum, { text }) => sum + text.length, 0) / lines.length;
}

function isMostlyNumbers(text: string): boolean {
  return (text.match(/\p{N}/gu)?.length ?? 0) > text.replace(/\s/g, "").length * 0.3;
}

import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import { heightOf, isHorizontal, isVisible, leftOf, yOf } from "./pieces.ts";
import type { Row } from "./pieces.ts";

/** The pieces of a page by lines, in the order in which the file draws them, but each line from left to right. */
export function groupRows(items: readonly TextItem[]): readonly Row[] {
  const rows: Row[] = [];
  let pieces: TextItem[] = [];
  for (const item of items) {
    if (item.str !== "") pieces.push(item);
    if (!item.hasEOL) continue;
    rows.push(orderCells(pieces));
    pieces = [];
  }
  if (pieces.length > 0) rows.push(orderCells(pieces));
  return rows;
}

/** Some programs draw the last cell of a table's row first. What is drawn from left to right stays together. */
function orderCells(row: Row): Row {
  const visible = row.filter(isVisible);
  const [first] = visible;
  // In text from right to left each piece is left of the former, and so is the first of the line below.
  if (first === undefined || !visible.every((piece) => isBeside(piece, first))) return row;
  const cells: TextItem[][] = [[]];
  let before = first;
  for (const piece of row) {
    if (isVisible(piece)) {
      if (piece !== first && leftOf(piece) + piece.width <= leftOf(before)) cells.push([]);
      before = piece;
    }
    cells.at(-1)?.push(piece);
  }
  if (cells.length === 1) return row;
  return cells
    .toSorted((a, b) => startOf(a) - startOf(b))
    .flatMap((cell, index) => (index === 0 ? cell : [...cell.slice(0, 1).map(toBlank), ...cell]));
}

/** Whether a piece runs from left to right on the line of another. */
function isBeside(piece: TextItem, other: TextItem): boolean {
  return (
    piece.dir === "ltr" && isHorizontal(piece) && Math.abs(yOf(piece) - yOf(other)) < heightOf(other) / 2
  );
}

function startOf(cell: Row): number {
  const first = cell.find(isVisible);
  return first === undefined ? Number.POSITIVE_INFINITY : leftOf(first);
}

function toBlank(piece: TextItem): TextItem {
  return { ...piece, str: " ", width: 0, height: 0 };
}

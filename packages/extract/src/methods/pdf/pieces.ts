import type { TextItem } from "pdfjs-dist/types/src/display/api.js";

/** The pieces that the file draws on one line. */
export type Row = readonly TextItem[];

export function isVisible(piece: TextItem): boolean {
  return piece.str.trim() !== "";
}

/** Turned and vertical text has no lines from left to right. */
export function isHorizontal(piece: TextItem): boolean {
  return piece.dir !== "ttb" && Math.abs(numberAt(piece, 1)) < 0.01;
}

export function leftOf(piece: TextItem): number {
  return numberAt(piece, 4);
}

export function yOf(piece: TextItem): number {
  return numberAt(piece, 5);
}

export function heightOf(piece: TextItem): number {
  if (piece.height > 0) return piece.height;
  return Math.hypot(numberAt(piece, 2), numberAt(piece, 3));
}

function numberAt(piece: TextItem, index: number): number {
  const value: unknown = piece.transform[index];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

import { printableLine } from "./printable.ts";
import { columnsOfStream, createStyles } from "./style.ts";
import type { OutputStream } from "./style.ts";
import { columnsOf, fit } from "./width.ts";

export type Column<Row> = {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Takes what the others leave, and is shortened when that is little. At most one per table. */
  readonly isFlexible?: boolean;
};

/** Rows for people on a terminal; tab-separated, without titles and in full, for programs. */
export function writeTable<Row>(
  stream: OutputStream,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): void {
  const cells = rows.map((row) => columns.map((column) => printableLine(column.value(row))));
  if (!stream.isTTY) {
    for (const line of cells) stream.write(`${line.join("\t")}\n`);
    return;
  }
  const { bold } = createStyles(stream);
  const widths = tableWidths(columns, cells, columnsOfStream(stream));
  const draw = (line: readonly string[]): string =>
    line
      .map((cell, index) => fit(cell, widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  stream.write(`${bold(draw(columns.map((column) => column.title)))}\n`);
  for (const line of cells) stream.write(`${draw(line)}\n`);
}

function tableWidths<Row>(
  columns: readonly Column<Row>[],
  cells: readonly (readonly string[])[],
  room: number,
): number[] {
  const widths = columns.map((column, index) =>
    Math.max(columnsOf(column.title), ...cells.map((line) => columnsOf(line[index] ?? ""))),
  );
  const flexible = columns.findIndex((column) => column.isFlexible);
  const needed = widths.reduce((sum, width) => sum + width + 2, -2);
  if (flexible >= 0 && needed > room) {
    widths[flexible] = Math.max(10, (widths[flexible] ?? 0) - (needed - room));
  }
  return widths;
}

/** A moment as people read it in a table: local time to the minute. */
export function shortMoment(moment: string | null): string {
  if (moment === null) return "";
  const date = new Date(moment);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Bytes as people read them. */
export function shortSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

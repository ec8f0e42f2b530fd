import type { Figure } from "./figure.ts";
import { verdictOf } from "./figure.ts";
import { median } from "./statistics.ts";

const headings = ["figure", "median", "runs", "aim / floor", "verdict"];

/** The figures as a Markdown table with columns padded for the eye. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = [headings, ...figures.map(rowOf)];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function rowOf(figure: Figure): string[] {
  const { name, unit, values, target } = figure;
  return [
    name,
    `${round(median(values))} ${unit}`,
    values.map(round).join(" · "),
    target === undefined ? "" : `${target.aim} / ${target.floor} ${unit}`,
    verdictOf(figure) ?? "",
  ];
}

/** Three digits that count; more would claim a precision that no run has. */
function round(value: number): string {
  if (Number.isNaN(value)) return "nothing measured";
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

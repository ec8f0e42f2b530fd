import { median, percentile } from "../measure/statistics.ts";
import type { FileResult } from "./extract-folder.ts";

/** What the file itself is to blame for: it is empty, holds no text, asks for a password, or is of another kind. */
const unreadable: ReadonlySet<string> = new Set([
  "file_empty",
  "no_text_found",
  "pdf_encrypted",
  "file_encrypted_or_legacy",
  "unsupported_file_type",
  "file_type_mismatch",
]);

/** One row for each format: how many were read, how, how long it took, and why the others were not. */
export function formatTable(results: readonly FileResult[]): string {
  const groups = [...Map.groupBy(results, ({ format }) => format)].toSorted(([a], [b]) => a.localeCompare(b));
  const rows = [...groups, ["all", results] as const].map(([format, files]) => formatRow(format, files));
  return table(
    [
      "format",
      "files",
      "read",
      "of readable",
      "methods",
      "ms median / p95 / max",
      "peak MB",
      "agreement",
      "not read",
    ],
    rows,
  );
}

function formatRow(format: string, files: readonly FileResult[]): string[] {
  const read = files.filter(({ outcome }) => outcome.ok);
  const readable = files.filter(({ outcome }) => outcome.ok || !unreadable.has(outcome.code));
  const times = files.map(({ milliseconds }) => milliseconds);
  const agreements = files.flatMap(({ agreement }) => agreement ?? []);
  const mean = agreements.reduce((sum, value) => sum + value, 0) / agreements.length;
  return [
    format,
    String(files.length),
    String(read.length),
    readable.length === 0 ? "" : `${((100 * read.length) / readable.length).toFixed(1)} %`,
    counts(files.flatMap(({ outcome }) => (outcome.ok ? [outcome.method] : []))),
    [median(times), percentile(times, 0.95), Math.max(...times)].map(Math.round).join(" / "),
    megabytes(Math.max(...files.map(({ peakBytes }) => peakBytes))),
    agreements.length === 0
      ? ""
      : `mean ${mean.toFixed(3)}, median ${median(agreements).toFixed(3)} (${agreements.length})`,
    counts(files.flatMap(({ outcome }) => (outcome.ok ? [] : [outcome.code]))),
  ];
}

/** One row for each file. */
export function fileTable(results: readonly FileResult[]): string {
  return table(
    ["file", "format", "kB", "ended", "ms", "peak MB", "characters", "agreement", "warnings"],
    results.map(({ name, format, bytes, outcome, milliseconds, peakBytes, agreement }) => [
      name.replaceAll("|", "\\|"),
      format,
      String(Math.ceil(bytes / 1000)),
      outcome.ok ? outcome.method : outcome.code,
      milliseconds.toFixed(0),
      megabytes(peakBytes),
      outcome.ok ? String(outcome.characters) : "",
      agreement?.toFixed(3) ?? "",
      outcome.ok ? outcome.warnings.join(", ") : "",
    ]),
  );
}

function counts(values: readonly string[]): string {
  return [...Map.groupBy(values, (value) => value)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([value, same]) => `${value} ${same.length}`)
    .join(", ");
}

function megabytes(bytes: number): string {
  return bytes === 0 ? "" : String(Math.round(bytes / 1_000_000));
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}

const wholeFormat = new Intl.NumberFormat();
const units = ["kB", "MB", "GB", "TB"] as const;

/** A size in decimal units: "812 B", "14 kB", "3.2 MB". */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return "—";
  if (bytes < 1000) return `${bytes} B`;
  let size = bytes / 1000;
  let unit: (typeof units)[number] = "kB";
  for (const next of units.slice(1)) {
    if (size < 999.5) break;
    size /= 1000;
    unit = next;
  }
  return `${size < 9.95 ? Number(size.toFixed(1)) : Math.round(size)} ${unit}`;
}

/** A limit as people set it: whole binary units ("100 MiB"), else like every other size. */
export function formatLimit(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return Number.isInteger(mebibytes) && mebibytes > 0
    ? `${wholeFormat.format(mebibytes)} MiB`
    : formatBytes(bytes);
}

/** A count with the locale's separators. */
export function formatCount(count: number): string {
  return wholeFormat.format(count);
}

/** "1 page", "14 pages": the count with its noun. */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

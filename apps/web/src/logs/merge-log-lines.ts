import type { LogLine } from "@millrace/contracts";

/** Log lines may come by request and by event; the same line must show once. */
export function mergeLogLines(...sources: readonly (readonly LogLine[])[]): LogLine[] {
  const byContent = new Map<string, LogLine>();
  for (const line of sources.flat()) {
    const key = `${line.created_at}\u0000${line.level}\u0000${line.message}`;
    if (!byContent.has(key)) byContent.set(key, line);
  }
  return [...byContent.values()].toSorted((first, second) =>
    first.created_at === second.created_at
      ? first.id.localeCompare(second.id)
      : Date.parse(first.created_at) - Date.parse(second.created_at),
  );
}

const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
] as const;

/** A time as people read it, in its largest unit: `4.2 s`, `12 min`, `3 h`. */
export function shortSeconds(seconds: number | null): string {
  if (seconds === null) return "-";
  for (const [unit, size] of units) if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

const pattern = /^(\d+(?:\.\d+)?)\s*(s|m|min|h|d)$/;
const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3_600, d: 86_400 };

/** Reads `90s`, `10m`, `2h`, `7d` as seconds; undefined when it is none of these. */
export function parseSeconds(text: string): number | undefined {
  const [, count, unit = ""] = pattern.exec(text.trim()) ?? [];
  return count === undefined ? undefined : Number(count) * (secondsOf[unit] ?? 1);
}

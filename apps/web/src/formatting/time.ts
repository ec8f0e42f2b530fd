const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const relativeFormat = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const absoluteFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** "just now", "3 min. ago", "yesterday"; a plain date when it is more than 30 days away. */
export function formatRelative(moment: string, nowMs: number): string {
  const atMs = Date.parse(moment);
  if (Number.isNaN(atMs)) return "unknown";
  const distance = atMs - nowMs;
  const size = Math.abs(distance);
  if (size < 10 * second) return "just now";
  if (size < minute) return relativeFormat.format(Math.trunc(distance / second), "second");
  if (size < hour) return relativeFormat.format(Math.trunc(distance / minute), "minute");
  if (size < day) return relativeFormat.format(Math.trunc(distance / hour), "hour");
  if (size < 30 * day) return relativeFormat.format(Math.trunc(distance / day), "day");
  return dateFormat.format(atMs);
}

/** Date and time in the reader's locale and zone. */
export function formatAbsolute(moment: string): string {
  const atMs = Date.parse(moment);
  return Number.isNaN(atMs) ? "unknown" : absoluteFormat.format(atMs);
}

/** Hours, minutes and seconds of the day, for log lines. */
export function formatClock(moment: string): string {
  const atMs = Date.parse(moment);
  return Number.isNaN(atMs) ? "--:--:--" : clockFormat.format(atMs);
}

/** A length of time: "0.8 s", "12 s", "3 min 5 s", "2 h 10 min". */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs) || durationMs < 0) return "—";
  if (durationMs < 9_950) return `${(durationMs / second).toFixed(1)} s`;
  const seconds = Math.round(durationMs / second);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return joined(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

/** A length of time that still grows, in whole units so that only the last digit moves: "3 s". */
export function formatElapsed(durationMs: number): string {
  if (!Number.isFinite(durationMs) || durationMs < 0) return "—";
  if (durationMs < 10_000) return `${Math.floor(durationMs / second)} s`;
  return formatDuration(durationMs);
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/**
 * Time left, rounded so that it does not flicker: to 5 s below a minute, to a minute above.
 * Undefined when nothing is known.
 */
export function formatEta(etaSeconds: number | null): string | undefined {
  if (etaSeconds === null || !Number.isFinite(etaSeconds) || etaSeconds < 0) return undefined;
  if (etaSeconds < 57.5) return `~${Math.max(5, Math.round(etaSeconds / 5) * 5)} s`;
  const minutes = Math.max(1, Math.round(etaSeconds / 60));
  return minutes < 60 ? `~${minutes} min` : `~${joined(Math.floor(minutes / 60), "h", minutes % 60, "min")}`;
}

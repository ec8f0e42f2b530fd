import { latestCronTimes, nextCronTime } from "./cron.ts";

/** When a schedule stands for a time, in milliseconds since 1970, without jitter. */
export type Timing = (
  | { readonly kind: "cron"; readonly cron: string; readonly timezone: string }
  | { readonly kind: "interval"; readonly everyMs: number; readonly anchorMs: number }
  | { readonly kind: "once"; readonly atMs: number }
) & {
  /** No time before. */
  readonly startMs: number | null;
  /** No time after. */
  readonly endMs: number | null;
};

/** The first time after `afterMs`; null when there is none any more. */
export function nextTime(timing: Timing, afterMs: number): number | null {
  const from = timing.startMs === null ? afterMs : Math.max(afterMs, timing.startMs - 1);
  const next = nextOf(timing, from);
  return next === null || (timing.endMs !== null && next > timing.endMs) ? null : next;
}

/** The next times after `afterMs`, at most `count`. */
export function nextTimes(timing: Timing, afterMs: number, count: number): number[] {
  const times: number[] = [];
  let last = afterMs;
  while (times.length < count) {
    const next = nextTime(timing, last);
    if (next === null) break;
    times.push(next);
    last = next;
  }
  return times;
}

/** The last times from `fromMs` up to and with `untilMs`, at most `count` of them, the earliest first. */
export function latestTimes(
  timing: Timing,
  { fromMs, untilMs, count }: { readonly fromMs: number; readonly untilMs: number; readonly count: number },
): number[] {
  const first = timing.startMs === null ? fromMs : Math.max(fromMs, timing.startMs);
  const last = timing.endMs === null ? untilMs : Math.min(untilMs, timing.endMs);
  return latestOf(timing, last, count)
    .filter((time) => time >= first && time <= last)
    .toReversed();
}

function nextOf(timing: Timing, afterMs: number): number | null {
  switch (timing.kind) {
    case "cron":
      return nextCronTime(timing.cron, timing.timezone, afterMs);
    case "interval": {
      // Counted from the anchor, so that nothing adds up from one to the next.
      const passed = Math.floor((afterMs - timing.anchorMs) / timing.everyMs) + 1;
      return timing.anchorMs + Math.max(0, passed) * timing.everyMs;
    }
    case "once":
      return timing.atMs > afterMs ? timing.atMs : null;
  }
}

function latestOf(timing: Timing, untilMs: number, count: number): number[] {
  switch (timing.kind) {
    case "cron":
      return latestCronTimes(timing.cron, timing.timezone, { ms: untilMs, count });
    case "interval": {
      const passed = Math.floor((untilMs - timing.anchorMs) / timing.everyMs);
      const times = Math.min(count, Math.max(0, passed + 1));
      return Array.from({ length: times }, (_, index) => timing.anchorMs + (passed - index) * timing.everyMs);
    }
    case "once":
      return timing.atMs <= untilMs ? [timing.atMs] : [];
  }
}

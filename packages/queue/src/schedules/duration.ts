import { invalidDuration } from "./schedule-errors.ts";

/** Milliseconds, or a number and its unit: `"30s"`, `"15m"`, `"6h"`, `"1d"`, `"2w"`. */
export type Duration = number | string;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A duration in milliseconds. A day is 24 hours, whatever the clocks do. Throws `invalid_duration`. */
export function parseDuration(given: Duration): number {
  if (typeof given === "number") {
    if (!Number.isFinite(given) || given < 0) throw invalidDuration(given);
    return given;
  }
  const { count, unit } =
    /^(?<count>\d+(?:\.\d+)?)\s*(?<unit>ms|s|m|h|d|w)$/.exec(given.trim())?.groups ?? {};
  if (count === undefined || !isUnit(unit)) throw invalidDuration(given);
  return Number(count) * unitMs[unit];
}

function isUnit(unit: string | undefined): unit is keyof typeof unitMs {
  return unit !== undefined && unit in unitMs;
}

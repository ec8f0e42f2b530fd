import { invalidRateLimit } from "./task-errors.ts";

/** How often jobs may start, over all workers: a bucket that fills at a steady pace. */
export type RateLimit = {
  /** Starts per second in the long run. */
  readonly perSecond: number;
  /** Starts that may come at once after a quiet time. 1 spaces them evenly. */
  readonly burst: number;
};

/** A count and a time, as `"100/s"`, `"10/m"` or `"5/h"`; the object form also says how many may come at once. */
export type RateLimitOption = string | { readonly limit: string; readonly burst?: number };

const unitSeconds = { s: 1, m: 60, h: 3600 } as const;

/**
 * Reads a rate limit. Burst is 1 unless given: ten a minute is one every six seconds, not ten at
 * the turn of the minute. Throws `invalid_rate_limit`.
 */
export function parseRateLimit(given: RateLimitOption): RateLimit {
  const { limit, burst = 1 } = typeof given === "string" ? { limit: given } : given;
  const found = /^\s*(\d+(?:\.\d+)?)\s*\/\s*([smh])\s*$/.exec(limit);
  const count = Number(found?.[1]);
  const unit = found?.[2] as keyof typeof unitSeconds | undefined;
  if (unit === undefined) throw invalidRateLimit(given, "it can't be read.");
  // Celery takes 0 for "no limit". Here nobody has to guess: leave the limit out, or pause the queue.
  if (!(count > 0) || !Number.isFinite(count)) throw invalidRateLimit(given, "the count must be above 0.");
  if (!Number.isSafeInteger(burst) || burst < 1)
    throw invalidRateLimit(given, "burst must be a whole number from 1.");
  return { perSecond: count / unitSeconds[unit], burst };
}

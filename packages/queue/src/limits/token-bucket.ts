import type { RateLimit } from "../tasks/rate-limit.ts";

/**
 * Workers come by at most this often for a limit, so a bucket holds at least what a rate gives in ten
 * such turns. Without it `1000/s` with a burst of 1 would start one job a turn, not ten.
 */
const turnMs = 10;
const minBucketSeconds = (10 * turnMs) / 1000;

/** The most starts that can come at once: the burst, or a tenth of a second's worth of a high rate. */
export function bucketSize({ perSecond, burst }: RateLimit): number {
  return Math.max(burst, perSecond * minBucketSeconds);
}

/**
 * The tokens in a bucket that had `tokens` so long ago. A clock that was put back adds none and takes
 * none; what a bucket held under a larger limit is lost.
 */
export function refill(bucket: { tokens: number; ageSeconds: number }, rate: RateLimit): number {
  const added = Math.max(0, bucket.ageSeconds) * rate.perSecond;
  return Math.min(bucketSize(rate), bucket.tokens + added);
}

/** What takes longer to fill is as good as full then: longer than anybody waits for it. */
const maxFillSeconds = 10 * 365 * 86_400;

/** Seconds until a bucket with so many tokens is full, ten years at most. */
export function fillSeconds(tokens: number, rate: RateLimit): number {
  return Math.min(Math.max(0, bucketSize(rate) - tokens) / rate.perSecond, maxFillSeconds);
}

/** Milliseconds until a bucket with so many tokens has a whole one; undefined when it has. */
export function nextTokenInMs(tokens: number, rate: RateLimit): number | undefined {
  if (tokens >= 1) return undefined;
  return Math.max(turnMs, Math.ceil(((1 - tokens) / rate.perSecond) * 1000));
}

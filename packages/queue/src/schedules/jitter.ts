import { createHash } from "node:crypto";

/**
 * How much later one time of a schedule comes, from nothing to `jitterMs`. The same for the same time whoever
 * asks, so that schedulers agree, and spread over schedules and times.
 */
export function jitterOf(scheduleId: string, timeMs: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const hash = createHash("sha256").update(`${scheduleId} ${timeMs}`).digest();
  return Math.floor((hash.readUIntBE(0, 6) / 2 ** 48) * (jitterMs + 1));
}

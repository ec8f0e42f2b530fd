import { jitterOf } from "./jitter.ts";
import { latestTimes, nextTime, nextTimes } from "./timing.ts";
import type { Timing } from "./timing.ts";

export type MisfirePolicy = "skip" | "once" | "all";

/** What of a schedule says which times are due. */
export type FireRule = {
  readonly id: string;
  readonly timing: Timing;
  readonly jitterMs: number;
  readonly misfire: MisfirePolicy;
  readonly graceMs: number;
  /** The next time it stands for. */
  readonly nextMs: number;
};

export type FirePlan = {
  /** Times that get a job, the earliest first. */
  readonly fire: readonly number[];
  /** The latest time that gets none because it is too late; undefined when there is none such. */
  readonly tooLate: number | undefined;
  /** Earlier times that get none, at most `maxTimes` told. */
  readonly missed: number;
  /** Where it goes on; null when it has ended. */
  readonly nextMs: number | null;
};

/** So many jobs at most come of one downtime, and so many times are looked through: the latest. */
export const maxTimes = 1_000;

/** What becomes of the times that are due by now. */
export function planFire(rule: FireRule, nowMs: number): FirePlan {
  const due = dueTimes(rule, nowMs);
  const latest = due.at(-1);
  // The clock was put back, or somebody else was there first.
  if (latest === undefined) return { fire: [], tooLate: undefined, missed: 0, nextMs: rule.nextMs };
  const nextMs = nextTime(rule.timing, latest);
  if (rule.misfire === "all") return { fire: due, tooLate: undefined, missed: 0, nextMs };
  const missed = due.length - 1;
  const isTooLate = rule.misfire === "skip" && nowMs - dueAt(rule, latest) > rule.graceMs;
  return isTooLate
    ? { fire: [], tooLate: latest, missed, nextMs }
    : { fire: [latest], tooLate: undefined, missed, nextMs };
}

/** When a time comes, with its jitter. */
export function dueAt({ id, jitterMs }: Pick<FireRule, "id" | "jitterMs">, timeMs: number): number {
  return timeMs + jitterOf(id, timeMs, jitterMs);
}

function dueTimes(rule: FireRule, nowMs: number): number[] {
  if (dueAt(rule, rule.nextMs) > nowMs) return [];
  const second = nextTime(rule.timing, rule.nextMs);
  // As it nearly always is: to look back is much more work.
  if (second === null || second > nowMs) return [rule.nextMs];
  const times = latestTimes(rule.timing, { fromMs: rule.nextMs, untilMs: nowMs, count: maxTimes });
  const due = untilFirstToCome(rule, times, nowMs);
  if (due.length > 0) return due;
  // The jitter is longer than all that was looked through: what is due is further back.
  const earliest = [rule.nextMs, ...nextTimes(rule.timing, rule.nextMs, maxTimes - 1)];
  return untilFirstToCome(rule, earliest, nowMs);
}

/** In their order: none goes before an earlier one that its jitter holds back. */
function untilFirstToCome(rule: FireRule, times: readonly number[], nowMs: number): number[] {
  const firstToCome = times.findIndex((time) => dueAt(rule, time) > nowMs);
  return times.slice(0, firstToCome === -1 ? times.length : firstToCome);
}

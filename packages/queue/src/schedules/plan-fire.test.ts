import { describe, expect, it } from "vitest";
import { jitterOf } from "./jitter.ts";
import { dueAt, maxTimes, planFire } from "./plan-fire.ts";
import type { FireRule } from "./plan-fire.ts";

/** Every ten seconds from 10,000 on; the next is that of 10,000. */
function rule(changes: Partial<FireRule> = {}): FireRule {
  return {
    id: "a",
    timing: { kind: "interval", everyMs: 10_000, anchorMs: 0, startMs: null, endMs: null },
    jitterMs: 0,
    misfire: "once",
    graceMs: 5_000,
    nextMs: 10_000,
    ...changes,
  };
}

describe("a time that is due", () => {
  it.each(["once", "skip", "all"] as const)("gets its job under %s", (misfire) => {
    expect(planFire(rule({ misfire }), 12_000)).toEqual({
      fire: [10_000],
      tooLate: undefined,
      missed: 0,
      nextMs: 20_000,
    });
  });

  it("gets none before it comes", () => {
    expect(planFire(rule(), 9_999)).toEqual({ fire: [], tooLate: undefined, missed: 0, nextMs: 10_000 });
  });
});

describe("after a downtime", () => {
  const back = 52_000;

  it("`once` makes one job, for the last time", () => {
    expect(planFire(rule({ misfire: "once" }), back)).toMatchObject({
      fire: [50_000],
      missed: 4,
      nextMs: 60_000,
    });
  });

  it("`all` makes a job for each time, in their order", () => {
    expect(planFire(rule({ misfire: "all" }), back)).toMatchObject({
      fire: [10_000, 20_000, 30_000, 40_000, 50_000],
      missed: 0,
      nextMs: 60_000,
    });
  });

  it("`all` makes no more than the last thousand", () => {
    const { fire } = planFire(rule({ misfire: "all" }), 10_000 * 5_000);

    expect([fire.length, fire[0], fire.at(-1)]).toEqual([maxTimes, 40_010_000, 50_000_000]);
  });

  it("`skip` makes the job of the last time while that is fresh", () => {
    expect(planFire(rule({ misfire: "skip" }), back)).toMatchObject({ fire: [50_000], missed: 4 });
  });

  it("`skip` makes none when the last time is past its grace", () => {
    expect(planFire(rule({ misfire: "skip", graceMs: 1_000 }), back)).toEqual({
      fire: [],
      tooLate: 50_000,
      missed: 4,
      nextMs: 60_000,
    });
  });

  it("what ended meanwhile has no next time", () => {
    const timing = { kind: "interval", everyMs: 10_000, anchorMs: 0, startMs: null, endMs: 30_000 } as const;

    expect(planFire(rule({ timing }), back)).toMatchObject({ fire: [30_000], nextMs: null });
  });
});

describe("with jitter", () => {
  const jitterMs = 4_000;

  it("a time comes within it, and every look says when", () => {
    const due = dueAt({ id: "a", jitterMs }, 10_000);

    expect(due).toBeGreaterThanOrEqual(10_000);
    expect(due).toBeLessThanOrEqual(14_000);
    expect(planFire(rule({ jitterMs }), due - 1).fire).toEqual([]);
    expect(planFire(rule({ jitterMs }), due).fire).toEqual([10_000]);
  });

  it("the times of schedules are spread over all of it", () => {
    const jitters = Array.from({ length: 2_000 }, (_, nth) => jitterOf(`schedule ${nth}`, 10_000, 9));

    expect(new Set(jitters)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });

  it("no time goes before one that is held back longer", () => {
    for (let nowMs = 10_000; nowMs < 60_000; nowMs += 500) {
      const { fire } = planFire(rule({ jitterMs: 30_000, misfire: "all" }), nowMs);
      const expected = fire.map((_, nth) => 10_000 * (nth + 1));

      expect(fire).toEqual(expected);
    }
  });

  it("longer than a thousand intervals, a time that is due is still dealt with", () => {
    const jitterMs = 2 * maxTimes * 10_000;
    const nextMs = dueAt({ id: "a", jitterMs }, 10_000);
    const plan = planFire(rule({ jitterMs, misfire: "all" }), nextMs + maxTimes * 10_000);

    expect(plan.fire[0]).toBe(10_000);
    expect(plan.nextMs).toBeGreaterThan(10_000);
  });
});

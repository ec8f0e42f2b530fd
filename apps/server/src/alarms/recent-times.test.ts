import { describe, expect, it } from "vitest";
import { RecentTimes } from "./recent-times.ts";

const timesOf = (times: readonly number[]): RecentTimes => {
  const recent = new RecentTimes(1_000);
  times.forEach((ms) => recent.add({ atMs: 0, ms }));
  return recent;
};

describe("recent times", () => {
  it("give the time that 95 of 100 do not exceed, whatever the rest took", () => {
    const fast = Array.from({ length: 95 }, (_none, index) => index + 1);

    expect(timesOf([...fast, 900, 900, 900, 900, 900]).percentile(95)).toBe(95);
    expect(timesOf([...fast.slice(1), 900, 900, 900, 900, 900, 900]).percentile(95)).toBe(900);
  });

  it("give 0 before anything was measured", () => {
    expect(timesOf([]).percentile(95)).toBe(0);
  });

  it("forget what is older than their window", () => {
    const recent = timesOf([500, 500]);

    recent.add({ atMs: 999, ms: 1 });
    expect(recent.count).toBe(3);
    recent.add({ atMs: 1_000, ms: 2 });

    expect([recent.count, recent.percentile(95)]).toEqual([2, 2]);
  });
});

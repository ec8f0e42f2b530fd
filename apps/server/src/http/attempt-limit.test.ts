import { describe, expect, it } from "vitest";
import { createAttemptLimit } from "./attempt-limit.ts";

function limitWithClock() {
  let nowMs = 1000;
  const limit = createAttemptLimit({ now: () => new Date(nowMs), monotonicMs: () => nowMs });
  return {
    limit,
    advance: (ms: number) => {
      nowMs += ms;
    },
    fail: (address: string, times: number) => {
      for (let count = 0; count < times; count += 1) limit.recordFailure(address);
    },
  };
}

describe("the attempt limit", () => {
  it("makes an address wait after ten failures, until the minute is over", () => {
    const { limit, advance, fail } = limitWithClock();

    fail("10.0.0.1", 9);
    expect(limit.waitSeconds("10.0.0.1")).toBeUndefined();
    fail("10.0.0.1", 1);
    expect(limit.waitSeconds("10.0.0.1")).toBe(60);
    advance(59_500);
    expect(limit.waitSeconds("10.0.0.1")).toBe(1);
    advance(500);
    expect(limit.waitSeconds("10.0.0.1")).toBeUndefined();
  });

  it("leaves other addresses alone", () => {
    const { limit, fail } = limitWithClock();

    fail("10.0.0.1", 10);

    expect(limit.waitSeconds("10.0.0.2")).toBeUndefined();
  });

  it("counts a network of IPv6 as one", () => {
    const { limit, fail } = limitWithClock();

    fail("2001:db8::1", 5);
    fail("2001:db8:0:0:ffff::2", 5);

    expect(limit.waitSeconds("2001:db8::3:4")).toBe(60);
    expect(limit.waitSeconds("2001:db8:0:1::3")).toBeUndefined();
    expect(limit.waitSeconds("::1")).toBeUndefined();
  });
});

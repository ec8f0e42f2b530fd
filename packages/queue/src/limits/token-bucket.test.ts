import fc from "fast-check";
import { expect, it } from "vitest";
import { bucketSize, fillSeconds, nextTokenInMs, refill } from "./token-bucket.ts";

const tenAMinute = { perSecond: 10 / 60, burst: 1 };

it("adds a token for the time that it takes, and no more than the burst", () => {
  const rate = { perSecond: 2, burst: 5 };

  expect(refill({ tokens: 0, ageSeconds: 0.5 }, rate)).toBe(1);
  expect(refill({ tokens: 4, ageSeconds: 60 }, rate)).toBe(5);
});

it("adds nothing when the clock was put back", () => {
  expect(refill({ tokens: 0.5, ageSeconds: -3600 }, tenAMinute)).toBe(0.5);
});

it("fills a bucket that nobody has used yet", () => {
  expect(refill({ tokens: 0, ageSeconds: Infinity }, tenAMinute)).toBe(1);
});

it("loses what was more than a new limit's burst", () => {
  expect(refill({ tokens: 50, ageSeconds: 0 }, tenAMinute)).toBe(1);
});

it("says when the next token is whole, rounded up", () => {
  expect(nextTokenInMs(0, tenAMinute)).toBe(6_000);
  expect(nextTokenInMs(0.99999, tenAMinute)).toBe(10);
  expect(nextTokenInMs(1, tenAMinute)).toBeUndefined();
});

it("says when it is full, within ten years", () => {
  expect(fillSeconds(1, { perSecond: 2, burst: 5 })).toBe(2);
  expect(fillSeconds(9, { perSecond: 2, burst: 5 })).toBe(0);
  expect(fillSeconds(0, { perSecond: 1e-9, burst: 5 })).toBe(10 * 365 * 86_400);
});

it("holds a tenth of a second's worth of a high rate, whatever the burst", () => {
  expect(bucketSize({ perSecond: 1000, burst: 1 })).toBe(100);
  expect(bucketSize(tenAMinute)).toBe(1);
});

it("gives no more in any time than the burst and what was added in it", () => {
  const uses = fc.array(fc.record({ waitSeconds: fc.double({ min: 0, max: 30, noNaN: true }) }), {
    maxLength: 50,
  });
  const rates = fc.record({
    perSecond: fc.double({ min: 0.01, max: 10, noNaN: true }),
    burst: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(uses, rates, (uses, rate) => {
      let [tokens, seconds, starts] = [rate.burst, 0, 0];
      for (const { waitSeconds } of uses) {
        seconds += waitSeconds;
        tokens = refill({ tokens, ageSeconds: waitSeconds }, rate);
        while (tokens >= 1) {
          tokens -= 1;
          starts += 1;
        }
        expect(starts).toBeLessThanOrEqual(rate.burst + seconds * rate.perSecond + 1e-6);
      }
    }),
  );
});

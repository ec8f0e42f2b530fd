import { describe, expect, it } from "vitest";
import { effectiveLimits, hasLimits, limiterOf, limitersOf, taskOfKey } from "./limits.ts";
import type { Limits } from "./limits.ts";

const rateLimit = { perSecond: 1, burst: 3 };

describe("limitersOf", () => {
  it("names the limit of the key before that of the task", () => {
    const limitsOf = () => ({ rateLimit, keyConcurrency: 2 });

    const limiters = limitersOf({ task: "mail.send", limit_key: "a:b" }, limitsOf);

    expect(limiters).toEqual([
      {
        key: "key:mail.send:a:b",
        task: "mail.send",
        limitKey: "a:b",
        wider: "task:mail.send",
        rateLimit: undefined,
        concurrency: 2,
      },
      {
        key: "task:mail.send",
        task: "mail.send",
        limitKey: null,
        wider: null,
        rateLimit,
        concurrency: undefined,
      },
    ]);
  });

  it("counts a job without a key by its task alone", () => {
    const limitsOf = () => ({ keyRateLimit: rateLimit });

    expect(limitersOf({ task: "mail.send", limit_key: null }, limitsOf)).toEqual([]);
  });

  it("knows no limit of a task that it does not know", () => {
    expect(limitersOf({ task: "mail.send", limit_key: "a" }, () => undefined)).toEqual([]);
  });
});

describe("limiterOf", () => {
  it.each(["task:mail.send", "key:mail.send:a", "key:mail.send:", "key:mail.send:a:b:c"])(
    "finds the limiter of %s",
    (key) => {
      const limitsOf = () => ({ rateLimit, keyRateLimit: rateLimit });

      expect(limiterOf(key, limitsOf)?.key).toBe(key);
      expect(taskOfKey(key)).toBe("mail.send");
    },
  );

  it("finds none when that limit is no more", () => {
    expect(limiterOf("key:mail.send:a", () => ({ rateLimit }))).toBeUndefined();
  });
});

describe("effectiveLimits", () => {
  const declared: Limits = { rateLimit, concurrency: 5 };

  it("are the declared ones where nobody set any", () => {
    expect(effectiveLimits(declared, undefined)).toMatchObject(declared);
  });

  it("are those that people set, with the burst of the task", () => {
    const control = { rateLimit: { perSecond: 9, burst: 1 }, keyConcurrency: 2, concurrency: 0 };

    expect(effectiveLimits(declared, control)).toEqual({
      rateLimit: { perSecond: 9, burst: 3 },
      keyRateLimit: undefined,
      concurrency: 0,
      keyConcurrency: 2,
    });
  });

  it("are none of those that people have lifted", () => {
    const control = { rateLimit: "none", concurrency: "none" } as const;

    expect(hasLimits(effectiveLimits(declared, control))).toBe(false);
    expect(hasLimits(effectiveLimits({ ...declared, keyConcurrency: 1 }, control))).toBe(true);
  });

  it("limit a task that declares nothing", () => {
    expect(hasLimits(effectiveLimits({}, undefined))).toBe(false);
    expect(hasLimits(effectiveLimits({}, { keyRateLimit: rateLimit }))).toBe(true);
  });
});

import { isMillraceError, MillraceError } from "@millrace/kernel";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { defineTask } from "../tasks/task.ts";
import type { RetryRule, Task } from "../tasks/task.ts";
import { backoffMs, decideEnd } from "./decide-end.ts";
import { retryAfter, snooze } from "./job-ending.ts";

type Tried = Parameters<typeof decideEnd>[2];

const task = defineTask({
  name: "tests.wait",
  queue: "tests",
  input: z.object({}),
  output: z.object({}),
  retries: 3,
  backoff: { firstSeconds: 60, factor: 2, capSeconds: 600 },
});

const first = { attempt: 1, maxAttempts: 4 };
const last = { attempt: 4, maxAttempts: 4 };

/** The longest wait after this failure, in seconds; undefined when it was the last. */
function longestWait(attempt: number, maxAttempts: number): number | undefined {
  const end = decideEnd(new Error("failed"), undefined, { task, attempt, maxAttempts }, () => 1);
  if (end?.outcome !== "failed") throw new Error("not a failure");
  return end.retryInMs === undefined ? undefined : end.retryInMs / 1000;
}

it("waits longer after every failure, up to the last", () => {
  expect([1, 2, 3, 4].map((attempt) => longestWait(attempt, 4))).toEqual([60, 120, 240, undefined]);
});

it("begins the waits anew with a person's retry", () => {
  expect([5, 6, 7, 8].map((attempt) => longestWait(attempt, 8))).toEqual([60, 120, 240, undefined]);
  expect([3, 4, 5, 6].map((attempt) => longestWait(attempt, 6))).toEqual([60, 120, 240, undefined]);
});

it("waits at least the first wait when the program changed the number of retries", () => {
  expect(longestWait(1, 10)).toBe(60);
});

function errorOf(options: { retryable: boolean; retryAfterSeconds?: number }): MillraceError {
  return new MillraceError({ code: "busy", kind: "unavailable", message: "Busy.", ...options });
}

function retryInMs(thrown: unknown, tried: Tried, random = () => 0): number | undefined {
  const end = decideEnd(thrown, undefined, tried, random);
  if (end?.outcome !== "failed") throw new Error("not a failure");
  return end.retryInMs;
}

function withRule(retryOn: RetryRule): Task {
  return { ...task, retryOn };
}

describe("back-off", () => {
  it("waits anything from nothing to the wait of this try, with full jitter", () => {
    expect(retryInMs(new Error("x"), { task, ...first }, () => 0)).toBe(0);
    expect(retryInMs(new Error("x"), { task, ...first }, () => 0.5)).toBe(30_000);
  });

  it("waits exactly that long without jitter", () => {
    const steady: Task = { ...task, backoff: { ...task.backoff, jitter: "none" } };

    expect(
      [1, 2, 3].map((attempt) => retryInMs(new Error("x"), { task: steady, attempt, maxAttempts: 4 })),
    ).toEqual([60_000, 120_000, 240_000]);
  });

  it("stays at once after a thousand failures when the first wait is nothing", () => {
    const backoff = { firstSeconds: 0, factor: 2, capSeconds: 600, jitter: "none" as const };

    expect(backoffMs(backoff, 2000, Math.random)).toBe(0);
  });

  it("is never negative, never above its cap, never without end", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 31_536_000, noNaN: true }),
        fc.integer({ min: 1, max: 1001 }),
        (firstSeconds, factor, capSeconds, failures) => {
          const backoff = { firstSeconds, factor, capSeconds, jitter: "none" as const };

          const waitMs = backoffMs(backoff, failures, Math.random);

          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(Math.round(capSeconds * 1000));
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  it("is waited for, and a little longer, not all at once", () => {
    const asked = errorOf({ retryable: true, retryAfterSeconds: 1000 });

    expect(retryInMs(asked, { task, ...first }, () => 0)).toBe(1_000_000);
    expect(retryInMs(asked, { task, ...first }, () => 1)).toBe(1_100_000);
  });

  it("is waited for exactly without jitter", () => {
    const steady: Task = { ...task, backoff: { ...task.backoff, jitter: "none" } };

    expect(
      retryInMs(errorOf({ retryable: true, retryAfterSeconds: 1000 }), { task: steady, ...first }, () => 1),
    ).toBe(1_000_000);
  });

  it("is followed for an hour at most", () => {
    expect(retryInMs(errorOf({ retryable: true, retryAfterSeconds: 1e9 }), { task, ...first })).toBe(
      3_600_000,
    );
    expect(retryInMs(errorOf({ retryable: true, retryAfterSeconds: Infinity }), { task, ...first })).toBe(
      3_600_000,
    );
  });

  it.each([0, -5, NaN])("leaves the usual wait when it is %s", (retryAfterSeconds) => {
    expect(retryInMs(errorOf({ retryable: true, retryAfterSeconds }), { task, ...first }, () => 1)).toBe(
      60_000,
    );
  });

  it("does not revive what would fail again", () => {
    expect(
      retryInMs(errorOf({ retryable: false, retryAfterSeconds: 5 }), { task, ...first }),
    ).toBeUndefined();
  });
});

describe("a task's own rule", () => {
  it("ends what would be tried again", () => {
    expect(retryInMs(new Error("x"), { task: withRule(() => false), ...first })).toBeUndefined();
  });

  it("tries again what would end", () => {
    const rule = withRule(() => true);

    expect(retryInMs(errorOf({ retryable: false }), { task: rule, ...first }, () => 1)).toBe(60_000);
  });

  it("chooses the wait", () => {
    expect(retryInMs(new Error("x"), { task: withRule(() => ({ delayMs: 5 })), ...first }, () => 1)).toBe(5);
  });

  it("gives no try beyond the last", () => {
    expect(retryInMs(new Error("x"), { task: withRule(() => true), ...last })).toBeUndefined();
    expect(retryInMs(new Error("x"), { task: withRule(() => ({ delayMs: 5 })), ...last })).toBeUndefined();
  });

  it("leaves to the usual one what it says nothing of", () => {
    const silent = withRule(() => undefined);

    expect(retryInMs(errorOf({ retryable: false }), { task: silent, ...first })).toBeUndefined();
    expect(retryInMs(new Error("x"), { task: silent, ...first }, () => 1)).toBe(60_000);
  });

  it("is told the error and the attempt", () => {
    const asked: unknown[] = [];
    const error = new Error("x");
    const rule = withRule((thrown, attempt) => {
      asked.push(thrown, attempt);
      return undefined;
    });

    decideEnd(error, undefined, { task: rule, attempt: 2, maxAttempts: 4 });

    expect(asked).toEqual([error, 2]);
  });

  it("is asked of time limits too", () => {
    const rule = withRule((error) =>
      isMillraceError(error) && error.code === "job_timed_out" ? false : undefined,
    );

    expect(decideEnd(new Error("aborted"), "timed_out", { task: rule, ...first })).toMatchObject({
      outcome: "timed_out",
      retryInMs: undefined,
    });
  });

  it.each<[string, RetryRule]>([
    ["throws", () => JSON.parse("no") as boolean],
    ["gives a wait that is no number", () => ({ delayMs: NaN })],
  ])("gives way to the usual one when it %s", (_what, rule) => {
    const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => warnings.mockRestore());

    expect(retryInMs(new Error("x"), { task: withRule(rule), ...first }, () => 1)).toBe(60_000);
    expect(warnings).toHaveBeenCalledOnce();
  });

  it("is not asked where the handler chose its end", () => {
    const rule = withRule(() => false);

    expect(decideEnd(snooze(5, "later"), undefined, { task: rule, ...first })).toEqual({
      outcome: "snoozed",
      delayMs: 5,
      why: { code: "snoozed", message: "later" },
    });
    expect(
      retryInMs(retryAfter({ delayMs: 7, code: "busy", message: "Busy." }), { task: rule, ...first }),
    ).toBe(7);
  });
});

describe("what is nobody's failure", () => {
  const later = (putOffSeconds: number) =>
    new MillraceError({ code: "busy", kind: "limited", message: "Later.", retryable: true, putOffSeconds });

  it.each([
    [120, 120_000, 132_000],
    [3600, 3_600_000, 3_960_000],
    [1e9, 3_600_000, 3_960_000],
    [0, 1_000, 2_000],
    [1.5, 1_500, 2_500],
  ])("puts the job off for %s s, and a little longer, at the last try too", (seconds, least, most) => {
    expect(decideEnd(later(seconds), undefined, { task, ...last }, () => 0)).toEqual({
      outcome: "snoozed",
      delayMs: least,
      why: { code: "busy", message: "Later." },
      isTold: true,
    });
    expect(decideEnd(later(seconds), undefined, { task, ...last }, () => 1)).toMatchObject({
      outcome: "snoozed",
      delayMs: most,
    });
  });

  it("is a failure where it does not say for how long", () => {
    expect(retryInMs(later(NaN), { task, ...first }, () => 1)).toBe(60_000);
    expect(retryInMs(later(-1), { task, ...last })).toBeUndefined();
  });

  it("is what the task's own rule says", () => {
    expect(retryInMs(later(5), { task: withRule(() => false), ...first })).toBeUndefined();
    expect(retryInMs(later(5), { task: withRule(() => ({ delayMs: 7 })), ...first })).toBe(7);
    expect(
      decideEnd(later(5), undefined, { task: withRule(() => undefined), ...first }, () => 0),
    ).toMatchObject({ delayMs: 5_000 });
  });
});

describe("why the attempt was stopped", () => {
  it.each([
    ["cancelled", { outcome: "cancelled" }],
    ["shutdown", { outcome: "handed_back" }],
    ["lease_lost", undefined],
  ] as const)("%s goes before what was thrown", (stopped, end) => {
    expect(decideEnd(snooze(5, "later"), stopped, { task, ...first })).toEqual(end);
  });
});

it("keeps the secrets of an input out of the error", () => {
  const secret = { task, ...first, secrets: ["sk-12345"] };
  const message = "Key sk-12345 was refused.";

  expect(
    [
      new MillraceError({ code: "refused", kind: "unauthorized", message }),
      retryAfter({ delayMs: 1, code: "refused", message }),
    ].map((thrown) => decideEnd(thrown, undefined, secret)),
  ).toEqual([
    expect.objectContaining({ error: { code: "refused", message: "Key [redacted] was refused." } }),
    expect.objectContaining({ error: { code: "refused", message: "Key [redacted] was refused." } }),
  ]);
});

describe("a delay", () => {
  it.each([NaN, -1, Infinity, 400 * 24 * 3600 * 1000])("can't be %s", (delayMs) => {
    expect(() => snooze(delayMs, "later")).toThrow(expect.objectContaining({ code: "invalid_delay" }));
    expect(() => retryAfter({ delayMs, code: "busy", message: "Busy." })).toThrow(
      expect.objectContaining({ code: "invalid_delay" }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { intervalOf, ruleWords } from "./schedule-words.ts";

const never = { cron: null, every_seconds: null, at: null };

describe("ruleWords", () => {
  it("says cron expressions, and leaves those without words as they are", () => {
    expect(ruleWords({ ...never, cron: "30 2 * * 1-5" })).toBe("Every weekday at 02:30");
    expect(ruleWords({ ...never, cron: "5 4 * * sun#2" })).toBe("5 4 * * sun#2");
  });

  it.each([
    [1, "Every second"],
    [90, "Every 90 seconds"],
    [900, "Every 15 minutes"],
    [3600, "Every hour"],
    [172_800, "Every 2 days"],
    [1.5, "Every 1.5 seconds"],
  ])("says an interval of %d seconds as %s", (seconds, words) => {
    expect(ruleWords({ ...never, every_seconds: seconds })).toBe(words);
  });

  it("says when something runs once", () => {
    expect(ruleWords({ ...never, at: "2026-11-20T12:00:00Z" })).toMatch(/^Once, .*2026/);
  });
});

describe("intervalOf", () => {
  it("takes the largest unit that fits", () => {
    expect([intervalOf(7200), intervalOf(61)]).toEqual([
      { count: 2, unit: 3600 },
      { count: 61, unit: 1 },
    ]);
  });
});

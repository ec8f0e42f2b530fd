import { describe, expect, it } from "vitest";
import { secondsLeft } from "./budget.ts";

describe("the end of a budget's period", () => {
  it("is the end of the day, or of the month, in UTC", () => {
    const now = new Date("2026-12-31T23:59:30Z");

    expect(secondsLeft("day_tokens", now)).toBe(30);
    expect(secondsLeft("month_dollars", now)).toBe(30);
    expect(secondsLeft("month_tokens", new Date("2026-02-28T00:00:00Z"))).toBe(86_400);
  });
});

import { describe, expect, it } from "vitest";
import { formatAbsolute, formatDuration, formatElapsed, formatEta, formatRelative } from "./time.ts";

const now = Date.parse("2026-11-20T12:00:00Z");

describe("formatRelative", () => {
  it("calls the last seconds just now", () => {
    expect(formatRelative("2026-11-20T11:59:55Z", now)).toBe("just now");
  });

  it("tolerates a clock of the server that is slightly ahead", () => {
    expect(formatRelative("2026-11-20T12:00:04Z", now)).toBe("just now");
  });

  it("counts minutes, hours and days down, never up", () => {
    expect(formatRelative("2026-11-20T11:57:01Z", now)).toContain("2 min");
    expect(formatRelative("2026-11-20T10:01:00Z", now)).toContain("1 hr");
    expect(formatRelative("2026-11-18T11:00:00Z", now)).toContain("2 day");
  });

  it("gives the date for what is long ago", () => {
    expect(formatRelative("2026-01-02T12:00:00Z", now)).toContain("2026");
  });

  it("does not throw on what is no moment", () => {
    expect(formatRelative("soon", now)).toBe("unknown");
    expect(formatAbsolute("soon")).toBe("unknown");
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0.0 s"],
    [840, "0.8 s"],
    [9_960, "10 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [185_000, "3 min 5 s"],
    [7_800_000, "2 h 10 min"],
    [-1, "—"],
    [Number.NaN, "—"],
  ])("%d ms is %s", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

describe("formatElapsed", () => {
  it.each([
    [0, "0 s"],
    [9_999, "9 s"],
    [61_000, "1 min 1 s"],
    [-1, "—"],
  ])("%d ms is %s", (durationMs, text) => {
    expect(formatElapsed(durationMs)).toBe(text);
  });
});

describe("formatEta", () => {
  it.each([
    [0, "~5 s"],
    [12, "~10 s"],
    [57, "~55 s"],
    [58, "~1 min"],
    [200, "~3 min"],
    [5_400, "~1 h 30 min"],
  ])("%d seconds is %s", (seconds, text) => {
    expect(formatEta(seconds)).toBe(text);
  });

  it("says nothing when nothing is known", () => {
    expect(formatEta(null)).toBeUndefined();
    expect(formatEta(Number.POSITIVE_INFINITY)).toBeUndefined();
  });
});

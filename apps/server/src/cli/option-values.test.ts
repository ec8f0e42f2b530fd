import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { moment, pastMoment } from "./option-values.ts";

describe("a moment from an option", () => {
  it.each(["90", "5", "3600", "job 7", "12", "", "tomorrow", "2026-13-01", "2026"])("is not %j", (value) => {
    expect(() => pastMoment(value)).toThrow(InvalidArgumentError);
  });

  it.each([
    ["2026-12-01T09:00Z", "2026-12-01T09:00:00.000Z"],
    ["2026-12-01", "2026-12-01T00:00:00.000Z"],
  ])("is %s as it stands", (value, expected) => {
    expect(moment(value)).toBe(expected);
  });

  it("is a time from now, or ago", () => {
    const hour = 3_600_000;

    expect(Date.parse(moment("2h")) - Date.now()).toBeGreaterThan(1.9 * hour);
    expect(Date.now() - Date.parse(pastMoment("2h"))).toBeGreaterThan(1.9 * hour);
  });
});

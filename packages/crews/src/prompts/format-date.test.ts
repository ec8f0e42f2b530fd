import { describe, expect, it } from "vitest";
import { formatDate, unknownDateCodes } from "./format-date.ts";

const date = new Date("2026-02-03T15:04:05Z");

describe("formatDate", () => {
  it.each([
    ["%Y-%m-%d", "2026-02-03"],
    ["%A, %d %B %Y", "Tuesday, 03 February 2026"],
    ["%a %b %y %j", "Tue Feb 26 034"],
    ["%I:%M:%S %p, %H h, 100 %%", "03:04:05 PM, 15 h, 100 %"],
  ])("writes %s", (format, expected) => {
    expect(formatDate(date, format)).toBe(expected);
  });

  it("knows which codes it does not know", () => {
    expect(unknownDateCodes("%Y %Q %")).toEqual(["%Q", "%"]);
  });
});

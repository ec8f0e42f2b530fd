import { describe, expect, it } from "vitest";
import { countOf, formatBytes } from "./numbers.ts";

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [14_300, "14 kB"],
    [999_499, "999 kB"],
    [999_600, "1 MB"],
    [3_240_000, "3.2 MB"],
    [104_857_600, "105 MB"],
    [2.5e12, "2.5 TB"],
    [Number.NaN, "—"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("countOf", () => {
  it("uses the singular for one only", () => {
    expect([0, 1, 2].map((count) => countOf(count, "page"))).toEqual(["0 pages", "1 page", "2 pages"]);
  });
});

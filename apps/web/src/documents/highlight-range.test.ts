import { describe, expect, it } from "vitest";
import { cutRuns, readHighlight } from "./highlight-range.ts";

describe("readHighlight", () => {
  it("reads a range", () => {
    expect(readHighlight("120-180")).toEqual({ start: 120, end: 180 });
  });

  it.each(["", "12", "a-b", "9-3", "5-5", "-1-4", "1-2-3", "1e3-2e3", 5, undefined])(
    "refuses %s",
    (value) => {
      expect(readHighlight(value)).toBeUndefined();
    },
  );

  it("bounds the length of the mark", () => {
    expect(readHighlight("0-9999999999")).toEqual({ start: 0, end: 20_000 });
  });
});

describe("cutRuns", () => {
  it("marks a range inside the piece", () => {
    expect(cutRuns("abcdef", 100, { start: 102, end: 104 })).toEqual([
      { text: "ab", isMarked: false },
      { text: "cd", isMarked: true },
      { text: "ef", isMarked: false },
    ]);
  });

  it("marks the part of a range that began in the piece before", () => {
    expect(cutRuns("abcdef", 100, { start: 90, end: 102 })).toEqual([
      { text: "ab", isMarked: true },
      { text: "cdef", isMarked: false },
    ]);
  });

  it("marks nothing when the range lies elsewhere", () => {
    expect(cutRuns("abc", 0, { start: 50, end: 60 })).toEqual([{ text: "abc", isMarked: false }]);
    expect(cutRuns("abc", 100, { start: 50, end: 60 })).toEqual([{ text: "abc", isMarked: false }]);
  });
});

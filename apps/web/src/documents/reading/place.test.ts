import { describe, expect, it } from "vitest";
import { offsetOf, pageAt, pieceAt, readPlace, writePlace } from "./place.ts";

const outline = {
  document_id: "d",
  total_length: 900,
  pages: [
    { page: 1, char_start: 0, char_end: 300 },
    { page: 2, char_start: 300, char_end: 300 },
    { page: 4, char_start: 300, char_end: 900 },
  ],
  sections: [],
  cuts: [0, 150, 300, 600],
};

describe("a place in a text", () => {
  it.each([
    ["#page=3", { page: 3 }],
    ["page=12", { page: 12 }],
    ["at=1200", { at: 1200 }],
    ["", undefined],
    ["#main", undefined],
    ["page=-1", undefined],
    ["page=9999999999", undefined],
  ])("is read from %s", (hash, place) => {
    expect(readPlace(hash)).toEqual(place);
  });

  it("is written as it is read", () => {
    expect(readPlace(writePlace({ page: 3 }))).toEqual({ page: 3 });
    expect(readPlace(writePlace({ at: 7 }))).toEqual({ at: 7 });
  });

  it("is that of the page before, when there is no such page", () => {
    expect(offsetOf({ page: 3 }, outline)).toBe(300);
    expect(offsetOf({ page: 0 }, outline)).toBe(0);
    expect(offsetOf({ at: 5000 }, outline)).toBe(899);
  });

  it("is on the last page that begins before it", () => {
    expect([0, 299, 300, 899].map((offset) => pageAt(outline.pages, offset))).toEqual([1, 1, 4, 4]);
    expect(pageAt([], 10)).toBeUndefined();
  });

  it("is in the piece that begins before it", () => {
    expect([0, 149, 150, 599, 600, 899].map((offset) => pieceAt(outline.cuts, offset))).toEqual([
      0, 0, 1, 2, 3, 3,
    ]);
  });
});

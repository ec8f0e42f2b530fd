import { describe, expect, it } from "vitest";
import { median, percentile } from "./statistics.ts";

describe("percentile", () => {
  it("takes the nearest rank of values in any order", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);

    expect([percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)]).toEqual([50, 95, 100]);
  });

  it("takes the only value there is, whatever the share", () => {
    expect([percentile([7], 0), percentile([7], 0.99)]).toEqual([7, 7]);
  });

  it("is not a number without values, so that no target counts as met", () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe("median", () => {
  it("takes the middle value of an odd number of values", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it("takes the mean of the two in the middle of an even number", () => {
    expect(median([1, 2, 4, 100])).toBe(3);
  });

  it("is not a number without values", () => {
    expect(median([])).toBeNaN();
  });
});

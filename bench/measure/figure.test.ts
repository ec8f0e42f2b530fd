import { describe, expect, it } from "vitest";
import { FigureCollector, verdictOf } from "./figure.ts";

const target = { aim: 50, floor: 100 };

describe("verdictOf", () => {
  it("judges the median, not the best or the worst run", () => {
    expect(verdictOf({ name: "p95", unit: "ms", values: [10, 60, 500], target })).toBe(
      "between aim and floor",
    );
  });

  it("counts the aim and the floor themselves as reached", () => {
    expect(verdictOf({ name: "p95", unit: "ms", values: [50], target })).toBe("aim met");
    expect(verdictOf({ name: "p95", unit: "ms", values: [100], target })).toBe("between aim and floor");
  });

  it("takes more as better when the aim is above the floor", () => {
    const ratio = { aim: 3, floor: 2 };

    expect(verdictOf({ name: "ratio", unit: "×", values: [3], target: ratio })).toBe("aim met");
    expect(verdictOf({ name: "ratio", unit: "×", values: [2], target: ratio })).toBe("between aim and floor");
    expect(verdictOf({ name: "ratio", unit: "×", values: [1.9], target: ratio })).toBe("beyond the floor");
    expect(verdictOf({ name: "ratio", unit: "×", values: [], target: ratio })).toBe("beyond the floor");
  });

  it("is beyond the floor when nothing was measured", () => {
    expect(verdictOf({ name: "p95", unit: "ms", values: [], target })).toBe("beyond the floor");
  });

  it("says nothing about a figure without a target", () => {
    expect(verdictOf({ name: "memory", unit: "MB", values: [1] })).toBeUndefined();
  });
});

describe("FigureCollector", () => {
  it("keeps the values of every run under one name", () => {
    const collector = new FigureCollector();

    collector.add("start", "s", 1, target);
    collector.add("stop", "s", 9);
    collector.add("start", "s", 3, target);

    expect(collector.figures()).toEqual([
      { name: "start", unit: "s", values: [1, 3], target },
      { name: "stop", unit: "s", values: [9] },
    ]);
  });
});

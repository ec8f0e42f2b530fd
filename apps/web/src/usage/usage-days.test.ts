import type { UsageRow } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { everyDay, measured, readPeriod, startOf, usualMeasure } from "./usage-days.ts";

const now = Date.parse("2026-03-02T13:45:00Z");

function row(changes: Partial<UsageRow> = {}): UsageRow {
  return {
    day: null,
    model: null,
    purpose: null,
    calls: 0,
    answered: 0,
    saved: 0,
    failed: 0,
    cancelled: 0,
    input_tokens: 0,
    output_tokens: 0,
    cached_input_tokens: 0,
    cost: 0,
    unpriced: 0,
    ...changes,
  };
}

describe("startOf", () => {
  it("is the beginning of a day in UTC, with today as the last of the period", () => {
    expect(startOf("7", now)).toBe("2026-02-24T00:00:00.000Z");
  });
});

describe("everyDay", () => {
  it("has each day once, the oldest first, and leaves out no day without calls", () => {
    const days = everyDay(
      [row({ day: "2026-03-02", calls: 3 }), row({ day: "2026-02-27", calls: 1 })],
      "7",
      now,
    );

    expect(days.map(({ day, sums }) => [day, sums?.calls])).toEqual([
      ["2026-02-24", undefined],
      ["2026-02-25", undefined],
      ["2026-02-26", undefined],
      ["2026-02-27", 1],
      ["2026-02-28", undefined],
      ["2026-03-01", undefined],
      ["2026-03-02", 3],
    ]);
  });
});

describe("measured", () => {
  it("adds up tokens read and written", () => {
    expect(measured(row({ input_tokens: 10, output_tokens: 5, cached_input_tokens: 4 }), "tokens")).toBe(15);
  });

  it("is nothing on a day without calls", () => {
    expect(measured(undefined, "calls")).toBe(0);
  });
});

describe("usualMeasure", () => {
  it("is the cost where one is known, else tokens, else calls", () => {
    expect(usualMeasure(row({ cost: 0.1, input_tokens: 3 }))).toBe("cost");
    expect(usualMeasure(row({ input_tokens: 3 }))).toBe("tokens");
    expect(usualMeasure(row({ calls: 3 }))).toBe("calls");
  });
});

describe("readPeriod", () => {
  it("takes only what the page offers", () => {
    expect(readPeriod("90")).toBe("90");
    expect(readPeriod("1000")).toBeUndefined();
    expect(readPeriod(7)).toBeUndefined();
  });
});

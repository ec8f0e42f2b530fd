import { describe, expect, it } from "vitest";
import { costWords, formatDollars } from "./money.ts";

describe("formatDollars", () => {
  it.each([
    [0, "$0"],
    [0.000_000_1, "< $0.000001"],
    [0.000_123_4, "$0.00012"],
    [0.0421, "$0.042"],
    [0.0994, "$0.099"],
    [0.0999, "$0.10"],
    [0.5, "$0.50"],
    [12.4, "$12.40"],
    [12_345.678, "$12,345.68"],
  ])("writes %d as %s", (dollars, text) => {
    expect(formatDollars(dollars)).toBe(text);
  });
});

describe("costWords", () => {
  it("gives a sum that is known as it is", () => {
    expect(costWords({ cost: 1.5, unpriced: 0 })).toBe("$1.50");
    expect(costWords({ cost: 0, unpriced: 0 })).toBe("$0");
  });

  it("says that a sum is not all of it", () => {
    expect(costWords({ cost: 1.5, unpriced: 1 })).toBe("at least $1.50");
  });

  it("never shows 0 for what nobody knows", () => {
    expect(costWords({ cost: 0, unpriced: 3 })).toBe("unknown");
  });
});

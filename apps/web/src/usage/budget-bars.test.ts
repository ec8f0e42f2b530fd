import type { Budget } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { barsOf } from "./budget-bars.ts";

function budget(changes: Partial<Budget> = {}): Budget {
  return {
    scope: "installation",
    limits: { day_dollars: null, month_dollars: null, day_tokens: null, month_tokens: null },
    used: { day_dollars: 0, month_dollars: 0, day_tokens: 0, month_tokens: 0 },
    reserved: { dollars: 0, tokens: 0 },
    used_percent: 0,
    state: "ok",
    changed_by: null,
    changed_at: null,
    ...changes,
  };
}

const limits = { day_dollars: 10, month_dollars: 100, day_tokens: null, month_tokens: null };
const used = { day_dollars: 8, month_dollars: 20, day_tokens: 5000, month_tokens: 9000 };

describe("barsOf", () => {
  it("has a bar for each limit that is set", () => {
    const bars = barsOf(budget({ limits, used }));

    expect(bars.map(({ name, percent }) => [name, percent])).toEqual([
      ["day_dollars", 80],
      ["month_dollars", 20],
    ]);
  });

  it("warns at the limit that is nearest alone", () => {
    const bars = barsOf(budget({ limits, used, state: "near" }));

    expect(bars.map(({ tone }) => tone)).toEqual(["near", "ok"]);
  });

  it("counts what is set aside as used, and says so", () => {
    const [bar] = barsOf(budget({ limits, used, reserved: { dollars: 2, tokens: 0 }, state: "exceeded" }));

    expect(bar).toMatchObject({ percent: 100, tone: "exceeded" });
    expect(bar?.words).toBe("$8.00 of $10.00 ($2.00 set aside for calls under way)");
  });

  it("shows each limit that is used up as such, and no bar beyond its end", () => {
    const over = { ...used, day_dollars: 25, month_dollars: 100 };

    expect(barsOf(budget({ limits, used: over, state: "exceeded" }))).toMatchObject([
      { percent: 100, tone: "exceeded" },
      { percent: 100, tone: "exceeded" },
    ]);
  });

  it("takes a limit of 0 as used up", () => {
    const none = { ...limits, day_dollars: 0, month_dollars: null };

    expect(barsOf(budget({ limits: none, state: "exceeded" }))).toMatchObject([{ percent: 100 }]);
  });
});

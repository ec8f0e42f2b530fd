import { describe, expect, it } from "vitest";
import { formOf, readLimits } from "./budget-form.ts";

const empty = formOf(undefined);

describe("readLimits", () => {
  it("takes an empty field for no limit, and 0 for nothing at all", () => {
    expect(readLimits({ ...empty, day_dollars: "0", month_tokens: " 1000 " })).toEqual({
      limits: { day_dollars: 0, month_dollars: null, day_tokens: null, month_tokens: 1000 },
    });
  });

  it("says which field holds no number, and none is sent", () => {
    expect(readLimits({ ...empty, day_dollars: "5", month_dollars: "lots", day_tokens: "-1" })).toEqual({
      errors: { month_dollars: expect.any(String), day_tokens: expect.any(String) },
    });
  });

  it("refuses a budget without any limit, which nobody would see", () => {
    expect(readLimits(empty)).toHaveProperty("errors.day_dollars");
  });

  it("refuses half a token", () => {
    expect(readLimits({ ...empty, day_tokens: "0.5" })).toHaveProperty("errors.day_tokens");
  });
});

describe("formOf", () => {
  it("shows what holds, so that sending it unchanged changes nothing", () => {
    const limits = { day_dollars: 2.5, month_dollars: null, day_tokens: 0, month_tokens: null };

    expect(readLimits(formOf(limits))).toEqual({ limits });
  });
});

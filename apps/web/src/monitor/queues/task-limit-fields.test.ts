import { describe, expect, it } from "vitest";
import { changedLimits } from "./task-limit-fields.ts";

const before = { rate_limit: "10/m", key_rate_limit: "", concurrency: "4", key_concurrency: "" };

describe("changedLimits", () => {
  it("sends only what was changed", () => {
    expect(changedLimits(before, { ...before, concurrency: " 8 " })).toEqual({ concurrency: 8 });
    expect(changedLimits(before, before)).toEqual({});
  });

  it("gives a limit back to the program when its field is emptied", () => {
    expect(changedLimits(before, { ...before, rate_limit: "", concurrency: "" })).toEqual({
      rate_limit: null,
      concurrency: null,
    });
  });

  it("lifts a limit with the word none", () => {
    expect(changedLimits(before, { ...before, key_rate_limit: "none", key_concurrency: "none" })).toEqual({
      key_rate_limit: "none",
      key_concurrency: "none",
    });
  });

  it("says so when a number of jobs is none", () => {
    expect(changedLimits(before, { ...before, concurrency: "a few" })).toContain("a few");
  });
});

import { describe, expect, it } from "vitest";
import { filterParameters, isNarrowed, readSearchFilters } from "./search-filters.ts";

describe("readSearchFilters", () => {
  it("takes what can be asked for", () => {
    const search = { type: "pdf", sentiment: "mixed", language: "de", from: "2026-01-31", explain: "true" };

    expect(readSearchFilters(search)).toEqual({ ...search, to: undefined });
  });

  it("leaves out what can't", () => {
    const read = readSearchFilters({
      type: "parchment",
      sentiment: "glad",
      language: "x1",
      from: "soon",
      to: "2026-99-01",
    });

    expect(isNarrowed(read)).toBe(false);
  });
});

describe("filterParameters", () => {
  it("includes the last day", () => {
    const { created_after: after = "", created_before: before = "" } = filterParameters({
      from: "2026-01-31",
      to: "2026-01-31",
    });

    expect(Date.parse(before) - Date.parse(after)).toBe(24 * 3_600_000);
  });
});

describe("isNarrowed", () => {
  it("does not count the explanation of scores", () => {
    expect(isNarrowed({ explain: "true" })).toBe(false);
    expect(isNarrowed({ language: "en" })).toBe(true);
  });
});

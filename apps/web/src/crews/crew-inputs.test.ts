import { describe, expect, it } from "vitest";
import { defaultWords, isJsonInput, readInputs } from "./crew-inputs.ts";

const topic = { name: "topic", required: true, default: null };
const year = { name: "year", required: false, default: 2026 };
const tone = { name: "tone", required: false, default: "dry" };
const sources = { name: "sources", required: false, default: ["press"] };

describe("readInputs", () => {
  it("leaves out what is left to its default", () => {
    expect(readInputs([topic, year, tone], { topic: "mills", year: "  " })).toEqual({
      inputs: { topic: "mills" },
    });
  });

  it("says which input is missing", () => {
    expect(readInputs([topic, tone], { tone: "warm" })).toEqual({ errors: { topic: expect.any(String) } });
  });

  it("reads JSON where the default is no text", () => {
    expect(readInputs([year, sources], { year: "1954", sources: '["a", "b"]' })).toEqual({
      inputs: { year: 1954, sources: ["a", "b"] },
    });
    expect(readInputs([sources], { sources: "[a" })).toHaveProperty("errors.sources");
  });

  it("keeps text as text, also when it looks like a number", () => {
    expect(readInputs([topic], { topic: "1954" })).toEqual({ inputs: { topic: "1954" } });
  });
});

describe("the field of an input", () => {
  it("takes JSON only where the default is some", () => {
    expect([topic, year, tone, sources].map(isJsonInput)).toEqual([false, true, false, true]);
  });

  it("says what holds when it is left empty", () => {
    expect(defaultWords(year)).toBe("If empty: 2026");
    expect(defaultWords(tone)).toBe("If empty: dry");
    expect(defaultWords(topic)).toBeUndefined();
  });
});

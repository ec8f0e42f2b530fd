import { describe, expect, it } from "vitest";
import { wordAgreement } from "./word-agreement.ts";

const words = Array.from({ length: 20 }, (_, index) => `word${index}`);

describe("wordAgreement", () => {
  it("is 1 for the same words in any order and case", () => {
    expect(wordAgreement(words.toReversed().join(" ").toUpperCase(), words.join("\n"))).toBe(1);
  });

  it("counts words that are missing, and words that are too many", () => {
    expect(wordAgreement(words.slice(0, 10).join(" "), words.join(" "))).toBeCloseTo(2 / 3);
    expect(wordAgreement([...words, ...words].join(" "), words.join(" "))).toBeCloseTo(2 / 3);
  });

  it("says nothing of next to no text", () => {
    expect(wordAgreement("one two", "one two")).toBeUndefined();
  });
});

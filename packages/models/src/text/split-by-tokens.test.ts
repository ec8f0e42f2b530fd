import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateTokens } from "./estimate-tokens.ts";
import { splitByTokens } from "./split-by-tokens.ts";

const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 80 }),
      fc.lorem({ mode: "sentences", maxCount: 5 }),
      fc.constantFrom("\n\n", "\n", " ", ". ", "。", "Ein Satz. ", "第一句。第二句。", "😀", "\ud83d"),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

describe("splitting by tokens", () => {
  it("loses no character and repeats none", () => {
    const property = fc.property(anyText, fc.integer({ min: 16, max: 300 }), (text, maxTokens) => {
      const chunks = splitByTokens(text, { maxTokens });

      expect(chunks.map((chunk) => chunk.text).join("")).toBe(text);
      expect(chunks.every((chunk) => chunk.text === text.slice(chunk.start, chunk.end))).toBe(true);
      expect(chunks.every((chunk) => chunk.text.length > 0)).toBe(true);
    });

    fc.assert(property, { numRuns: 300 });
  });

  it("keeps every chunk within its tokens, with and without overlap", () => {
    const property = fc.property(
      anyText,
      fc.integer({ min: 16, max: 200 }),
      fc.integer({ min: 0, max: 3 }),
      (text, maxTokens, overlapSentences) => {
        const chunks = splitByTokens(text, { maxTokens, overlapSentences });

        expect(chunks.every((chunk) => estimateTokens(chunk.text) <= maxTokens)).toBe(true);
      },
    );

    fc.assert(property, { numRuns: 300 });
  });

  it("goes on where the chunk before ended, minus the overlap it names", () => {
    const property = fc.property(anyText, fc.integer({ min: 16, max: 120 }), (text, maxTokens) => {
      const chunks = splitByTokens(text, { maxTokens, overlapSentences: 1 });
      const ends = [0, ...chunks.map((chunk) => chunk.end)];

      expect(chunks.every((chunk, index) => chunk.start + chunk.overlap === ends[index])).toBe(true);
      expect(ends.at(-1)).toBe(text.length);
    });

    fc.assert(property, { numRuns: 300 });
  });

  it("never cuts through a surrogate pair", () => {
    const chunks = splitByTokens("😀".repeat(500), { maxTokens: 16 });

    expect(chunks.every((chunk) => chunk.text.isWellFormed())).toBe(true);
  });

  it("cuts between paragraphs when one is near", () => {
    const paragraph = "This is a sentence of the text. ".repeat(8).trim();
    const text = [paragraph, paragraph, paragraph, paragraph].join("\n\n");

    const chunks = splitByTokens(text, { maxTokens: estimateTokens(paragraph) + 10 });

    expect(chunks.map((chunk) => chunk.text.trim())).toEqual([paragraph, paragraph, paragraph, paragraph]);
  });

  it("repeats the last sentence when asked", () => {
    const text = "One sentence stands here. ".repeat(20);

    const chunks = splitByTokens(text, { maxTokens: 40, overlapSentences: 1 });

    expect(chunks.slice(1).every((chunk) => chunk.overlap === "One sentence stands here. ".length)).toBe(
      true,
    );
  });

  it("splits a megabyte without a space in a moment", () => {
    const started = performance.now();

    const chunks = splitByTokens("a".repeat(1_000_000), { maxTokens: 1000, overlapSentences: 2 });

    expect(chunks).toHaveLength(250);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("refuses chunks too small to hold anything", () => {
    expect(() => splitByTokens("text", { maxTokens: 3 })).toThrow(
      expect.objectContaining({ code: "invalid_chunk_size" }),
    );
  });
});

describe("estimating tokens", () => {
  it("counts a quarter token per small letter, half of one per sign, one per Chinese character", () => {
    expect(estimateTokens("abcd".repeat(100))).toBe(100);
    expect(estimateTokens('{"1":[]}')).toBe(4);
    expect(estimateTokens("图书馆")).toBe(3);
    expect(estimateTokens("")).toBe(0);
  });

  it("gives the parts of a text together at least what it gives the whole", () => {
    const property = fc.property(anyText, anyText, (left, right) => {
      const together = estimateTokens(left) + estimateTokens(right);

      expect(together).toBeGreaterThanOrEqual(estimateTokens(left + right));
      expect(together).toBeLessThanOrEqual(estimateTokens(left + right) + 1);
    });

    fc.assert(property);
  });

  it.each(["a", "\n", "😀", "\u200b", "{", "\ud800", "1 "])(
    "counts ten megabytes of %j in a moment of processor time",
    (piece) => {
      const text = piece.repeat(10_000_000 / piece.length);
      const before = process.cpuUsage();

      const tokens = estimateTokens(text);

      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(3000);
      expect(tokens).toBeGreaterThanOrEqual(2_500_000);
    },
  );
});

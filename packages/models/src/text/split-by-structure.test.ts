import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateTokens } from "./estimate-tokens.ts";
import { splitByStructure } from "./split-by-structure.ts";

const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 80 }),
      fc.lorem({ mode: "sentences", maxCount: 5 }),
      fc.constantFrom(
        "\n\n",
        "\n",
        "\r\n",
        " ",
        "# Title\n",
        "\n## Part\n\n",
        "```\n",
        "| a | b |\n",
        "😀",
        "\ud83d",
      ),
    ),
    { maxLength: 80 },
  )
  .map((parts) => parts.join(""));

const paragraph = (index: number) =>
  `Paragraph ${index} tells a thing that no other paragraph does. `.repeat(4).trim();
const paragraphs = (count: number) =>
  Array.from({ length: count }, (_unused, index) => paragraph(index)).join("\n\n");

describe("splitting by structure", () => {
  it("loses no character, repeats none, and keeps every chunk within its tokens", () => {
    const property = fc.property(anyText, fc.integer({ min: 16, max: 200 }), (text, maxTokens) => {
      const chunks = splitByStructure(text, { maxTokens, minTokens: maxTokens / 2 });

      expect(chunks.map((chunk) => chunk.text).join("")).toBe(text);
      expect(chunks.every((chunk) => chunk.text === text.slice(chunk.start, chunk.end))).toBe(true);
      expect(chunks.every((chunk) => estimateTokens(chunk.text) <= maxTokens)).toBe(true);
    });

    fc.assert(property, { numRuns: 300 });
  });

  it("cuts before a heading rather than between paragraphs", () => {
    const text = `${paragraphs(12)}\n\n## Second\n\n${paragraphs(12)}`;

    const chunks = splitByStructure(text, { maxTokens: 900, minTokens: 450 });

    expect(chunks.map((chunk) => chunk.text).filter((chunk) => chunk.startsWith("## Second"))).toHaveLength(
      1,
    );
  });

  it("keeps a heading with what follows it", () => {
    const text = Array.from(
      { length: 30 },
      (_unused, index) => `## Part ${index}\n\n${paragraph(index)}`,
    ).join("\n\n");

    const chunks = splitByStructure(text, { maxTokens: 200, minTokens: 100 });

    expect(chunks.length).toBeGreaterThan(5);
    expect(
      chunks.every((chunk) => chunk.text.startsWith("## Part") && !/## Part \d+\s*$/.test(chunk.text)),
    ).toBe(true);
  });

  it("keeps code and tables whole when they fit", () => {
    const code = `\`\`\`ts\n${"const value = compute();\n\n".repeat(12)}\`\`\``;
    const table = `| a | b |\n|---|---|\n${"| one | two |\n".repeat(25)}`;
    const text = `${paragraphs(5)}\n\n${code}\n\n${paragraphs(5)}\n\n${table}\n\n${paragraphs(5)}`;

    const chunks = splitByStructure(text, { maxTokens: 260, minTokens: 130 });

    expect(chunks.filter((chunk) => chunk.text.includes(code))).toHaveLength(1);
    expect(chunks.filter((chunk) => chunk.text.includes(table))).toHaveLength(1);
  });

  it("gives most chunks again when something is inserted at the beginning", () => {
    const text = paragraphs(300);
    const options = { maxTokens: 600, minTokens: 300 };
    const before = new Set(splitByStructure(text, options).map((chunk) => chunk.text));

    const after = splitByStructure(
      `A new first paragraph, put in front of all the others.\n\n${text}`,
      options,
    );

    const kept = after.filter((chunk) => before.has(chunk.text));
    expect(kept.length).toBeGreaterThan(after.length * 0.8);
  });

  it.each([
    ["a", 3_000_000],
    ["\n", 1_000_000],
    ["a\n\n", 900_000],
    ["# a\n", 800_000],
    ["```\n", 800_000],
    ["| a |\n", 900_000],
    ["\u200b", 1_000_000],
  ])("splits %j repeated to megabytes in a moment of processor time", (piece, characters) => {
    const text = piece.repeat(characters / piece.length);
    const before = process.cpuUsage();

    splitByStructure(text, { maxTokens: 3000, minTokens: 1500 });

    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(5000);
  });
});

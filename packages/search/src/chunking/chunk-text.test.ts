import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunkText } from "./chunk-text.ts";

describe("chunkText", () => {
  it("keeps a short text in one piece", async () => {
    const chunks = await chunkText("  One thought.\n\nAnother.  ", []);

    expect(chunks).toMatchObject([
      { ordinal: 0, charStart: 2, text: "One thought.\n\nAnother.", page: null },
    ]);
  });

  it("cuts between paragraphs when it can", async () => {
    const paragraph = `${"word ".repeat(150).trim()}.`;
    const chunks = await chunkText(Array.from({ length: 6 }, () => paragraph).join("\n\n"), []);

    expect(chunks.length).toBeGreaterThan(1);
    for (const chunk of chunks) expect(chunk.text.endsWith(".")).toBe(true);
  });

  it("names the page on which a passage begins", async () => {
    const text = `${"a ".repeat(1500)}${"b ".repeat(1500)}`;
    const chunks = await chunkText(text, [
      { page: 1, charStart: 0, charEnd: 3000 },
      { page: 2, charStart: 3000, charEnd: 6000 },
    ]);

    expect(chunks[0]?.page).toBe(1);
    expect(chunks.at(-1)?.page).toBe(2);
  });

  it("keeps pages that begin with a title apart, as slides and sheets do", async () => {
    const chunks = await chunkText("# Levels\n\nGate | 1.2\n\n# Dates\n\nToday", [
      { page: 1, charStart: 0, charEnd: 20 },
      { page: 2, charStart: 22, charEnd: 36 },
    ]);

    expect(chunks).toMatchObject([
      { page: 1, section: "Levels", text: "# Levels\n\nGate | 1.2" },
      { page: 2, section: "Dates", text: "# Dates\n\nToday" },
    ]);
  });

  it("loses no character that is not white space, for any text", async () => {
    const piece = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("\n\n", " ", ". ", "x".repeat(3000), "大学。".repeat(900)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const text = pieces.join("");
        const chunks = await chunkText(text, []);

        expect(
          chunks
            .map((chunk) => chunk.text)
            .join("")
            .replace(/\s/g, ""),
        ).toBe(text.replace(/\s/g, ""));
        for (const chunk of chunks) expect(text.slice(chunk.charStart, chunk.charEnd)).toBe(chunk.text);
      }),
      { numRuns: 200 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outlineOf } from "./outline-of.ts";

describe("the outline of a text", () => {
  it("names headings with their place and page, and no comments of code", () => {
    const text = "# Mill\n\nOld.\n\n```sh\n# no heading\n```\n\n## Wheel ##\n\nRound.\n";
    const second = text.indexOf("## Wheel");

    const { sections } = outlineOf(text, [
      { page: 1, charStart: 0, charEnd: second - 2 },
      { page: 2, charStart: second, charEnd: text.length },
    ]);

    expect(sections).toEqual([
      { title: "Mill", level: 1, char_start: 0, page: 1 },
      { title: "Wheel", level: 2, char_start: second, page: 2 },
    ]);
  });

  it("begins a piece with each page, also when pages are empty", () => {
    const { cuts } = outlineOf("one\n\ntwo", [
      { page: 1, charStart: 0, charEnd: 3 },
      { page: 2, charStart: 5, charEnd: 5 },
      { page: 3, charStart: 5, charEnd: 8 },
    ]);

    expect(cuts).toEqual([0, 5]);
  });

  it("cuts a long text after paragraphs", () => {
    const text = `${"A sentence of the mill. ".repeat(20)}\n\n`.repeat(50);

    const { cuts } = outlineOf(text, []);

    expect(cuts.length).toBeGreaterThan(3);
    expect(cuts.slice(1).every((cut) => text.slice(cut - 2, cut) === "\n\n")).toBe(true);
  });

  it("cuts any text into pieces of bounded length that are whole characters", () => {
    const texts = fc
      .array(fc.constantFrom("a".repeat(2500), "😀".repeat(2000), "\n", "\n\n", " ", "# Title\n"), {
        maxLength: 12,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(texts, (text) => {
        const { cuts } = outlineOf(text, []);
        const pieces = cuts.map((cut, index) => text.slice(cut, cuts[index + 1] ?? text.length));

        expect(pieces.join("")).toBe(text);
        expect(pieces.every((piece) => piece.length > 0 && piece.length <= 6000)).toBe(true);
        expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
      }),
    );
  });
});

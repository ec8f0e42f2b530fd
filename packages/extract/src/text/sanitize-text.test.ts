import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sanitizeText, sanitizeTitle, tidyLines } from "./sanitize-text.ts";

describe("sanitizeText", () => {
  it("gives storable text for every input, and the same again for its own output", () => {
    const property = fc.property(fc.string({ unit: "binary" }), (text) => {
      const clean = sanitizeText(text);

      return !clean.includes("\u0000") && clean.isWellFormed() && sanitizeText(clean) === clean;
    });

    expect(fc.check(property).failed).toBe(false);
  });

  it("replaces lone surrogates, composes accents and unifies line ends", () => {
    expect(sanitizeText("e\u0301\r\na\rb\u0000\ud800")).toBe("\u00e9\na\nb\ufffd");
  });
});

describe("tidyLines", () => {
  it("drops blanks at line ends and repeated empty lines, quickly even on a line of blanks", () => {
    expect(tidyLines(`\n a  \n\n\n\nb${" ".repeat(2_000_000)}x \n`)).toBe(` a\n\nb${" ".repeat(2_000_000)}x`);
  });
});

describe("sanitizeTitle", () => {
  it.each([
    ["  Two\n lines ", "Two lines"],
    ["\u0000 - \u0001", null],
    [null, null],
  ])("makes of %j %j", (title, expected) => {
    expect(sanitizeTitle(title)).toBe(expected);
  });

  it("keeps at most 255 characters and no half character", () => {
    const title = sanitizeTitle(`x${"\u{1F33E}".repeat(300)}`);

    expect(title?.length).toBeLessThanOrEqual(255);
    expect(title?.isWellFormed()).toBe(true);
  });
});

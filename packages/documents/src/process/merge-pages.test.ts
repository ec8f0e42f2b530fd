import { expect, it } from "vitest";
import { mergePages } from "./merge-pages.ts";
import type { PageReading } from "./merge-pages.ts";

const before = {
  text: "First page.\n\n\n\n12",
  pages: [
    { page: 1, charStart: 0, charEnd: 11 },
    { page: 2, charStart: 13, charEnd: 13 },
    { page: 3, charStart: 15, charEnd: 17 },
  ],
};

function reading(page: number, text: string, problem: string | null = null): PageReading {
  return { page, text, confidence: 90, engine: "tesseract.js", problem };
}

it("puts what was recognised in its page's place and moves the pages behind it", () => {
  const merged = mergePages(before, [reading(2, "Second page."), reading(3, "Third page, 12")], []);

  expect(merged.text).toBe("First page.\n\nSecond page.\n\nThird page, 12");
  const texts = merged.pages.map(({ charStart, charEnd }) => merged.text.slice(charStart, charEnd));
  expect(texts).toEqual(["First page.", "Second page.", "Third page, 12"]);
  expect(merged.warnings).toEqual([
    { code: "pages_recognised", message: expect.stringMatching(/90 %.*: 2-3\.$/) },
  ]);
});

it("keeps what a page had where recognition found less", () => {
  const merged = mergePages(before, [reading(2, ""), reading(3, "")], []);

  expect(merged.text).toBe(before.text);
  expect(merged.pages).toEqual(before.pages);
  expect(merged.warnings.map(({ code }) => code)).toEqual(["pages_without_text"]);
});

it("names the pages that could not be recognised and those beyond the limit", () => {
  const merged = mergePages(before, [reading(2, "", "The picture is damaged.")], [3]);

  expect(merged.warnings).toEqual([
    { code: "pages_not_recognised", message: expect.stringContaining("2. The picture is damaged.") },
    { code: "pages_not_recognised", message: expect.stringContaining("OCR_MAX_PAGES") },
  ]);
});

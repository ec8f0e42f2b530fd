import { listPages } from "@millrace/extract";
import type { ExtractionWarning, PageRange } from "@millrace/extract";

/** What recognition made of one page. `problem` says why it could not be read. */
export type PageReading = {
  readonly page: number;
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
  readonly engine: "tesseract.js" | "tesseract" | null;
  readonly problem: string | null;
};

type PagedText = { readonly text: string; readonly pages: readonly PageRange[] };

/**
 * The text with recognised pages in their places, and what a reader should know of them. A page keeps what it
 * had when recognition found less.
 */
export function mergePages(
  before: PagedText,
  readings: readonly PageReading[],
  leftOut: readonly number[],
): PagedText & { readonly warnings: readonly ExtractionWarning[] } {
  const byPage = new Map(readings.map((reading) => [reading.page, reading]));
  const pages: PageRange[] = [];
  let text = "";
  for (const { page, charStart, charEnd } of before.pages) {
    const had = before.text.slice(charStart, charEnd);
    const found = byPage.get(page)?.text ?? "";
    if (pages.length > 0) text += "\n\n";
    const start = text.length;
    text += found.length > had.length ? found : had;
    pages.push({ page, charStart: start, charEnd: text.length });
  }
  return { text, pages, warnings: warningsOf(readings, leftOut) };
}

function warningsOf(readings: readonly PageReading[], leftOut: readonly number[]): ExtractionWarning[] {
  const found = readings.filter(({ text }) => text !== "");
  const empty = readings.filter(({ text, problem }) => text === "" && problem === null);
  const failed = readings.filter(({ problem }) => problem !== null);
  const sum = found.reduce((total, { confidence }) => total + confidence, 0);
  return [
    ...warning("pages_recognised", found, (pages) => {
      const confidence = Math.round(sum / found.length);
      return `The text of these pages was recognised in pictures, with a confidence of ${confidence} %, and may hold mistakes: ${pages}.`;
    }),
    ...warning("pages_without_text", empty, (pages) => `No text was found on these pages: ${pages}.`),
    ...warning(
      "pages_not_recognised",
      failed,
      (pages) => `The text of these pages could not be recognised: ${pages}. ${failed[0]?.problem ?? ""}`,
    ),
    ...warning(
      "pages_not_recognised",
      leftOut.map((page) => ({ page })),
      (pages) =>
        `These pages are pictures beyond the number that is recognised of one document (OCR_MAX_PAGES): ${pages}.`,
    ),
  ];
}

function warning(
  code: string,
  pages: readonly { readonly page: number }[],
  say: (pages: string) => string,
): ExtractionWarning[] {
  if (pages.length === 0) return [];
  return [{ code, message: say(listPages(pages.map(({ page }) => page))) }];
}

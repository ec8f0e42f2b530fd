import type { ExtractionWarning } from "../../extracted-text.ts";
import { listPages } from "../../list-pages.ts";
import { maxPdfPages, minPageCharacters } from "../../limits.ts";
import type { MethodOutput } from "../method.ts";

/** Below this many visible characters a page on average, a second reading often finds more. */
const weakCharactersPerPage = 100;

/** The warnings a reader of these pages needs, and whether another method should have a try. */
export function describePages(pages: {
  readonly parts: readonly string[];
  readonly declaredPages: number;
  readonly failedPages: number;
  /** What was drawn again over itself: another method would give it twice, and not more. */
  readonly doubledCharacters?: number;
  readonly isTruncated: boolean;
}): Pick<MethodOutput, "warnings" | "pagesWithoutText" | "isTruncated" | "isWeak"> {
  const visible = pages.parts.map(countVisible);
  const total = visible.reduce((sum, count) => sum + count, 0);
  const empty = visible.flatMap((count, index) => (count < minPageCharacters ? [index + 1] : []));
  const garbled = pages.parts.reduce((sum, part) => sum + countGarbled(part), 0);
  const warnings: ExtractionWarning[] = [];
  if (empty.length > 0) {
    warnings.push({
      code: "pages_without_text",
      message: `${empty.length} of ${pages.parts.length} pages hold no text, or less than ${minPageCharacters} characters: ${listPages(empty)}. Where they are pictures, their text was not recognised.`,
    });
  }
  if (pages.failedPages > 0) {
    warnings.push({
      code: "pages_unreadable",
      message: `${pages.failedPages} of ${pages.parts.length} pages are damaged and could not be read.`,
    });
  }
  if (pages.declaredPages > maxPdfPages) {
    warnings.push({
      code: "pages_left_out",
      message: `The file has ${pages.declaredPages} pages; only the first ${maxPdfPages} were read.`,
    });
  }
  const isThin = total + (pages.doubledCharacters ?? 0) < pages.parts.length * weakCharactersPerPage;
  return {
    warnings,
    pagesWithoutText: empty,
    isTruncated: pages.isTruncated,
    isWeak: isThin || pages.failedPages > 0 || garbled > total * 0.05,
  };
}

function countVisible(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/\S+/g)) count += match[0].length;
  return count;
}

/** Characters without meaning: the font said how to draw them but not what they are. */
function countGarbled(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/[\uE000-\uF8FF\uFFFD\u0001-\u0008]+/g)) count += match[0].length;
  return count;
}

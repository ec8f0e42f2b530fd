import type { DocumentOutline } from "@millrace/contracts";

/** Where a link leads in a text: a page, or a character. */
export type Place = { readonly page: number } | { readonly at: number };

/** Reads `page=3` or `at=1200` from the end of an address; undefined for anything else. */
export function readPlace(hash: string): Place | undefined {
  const match = /^#?(page|at)=(\d{1,9})$/.exec(hash);
  if (match === null) return undefined;
  const number = Number(match[2]);
  return match[1] === "page" ? { page: number } : { at: number };
}

export function writePlace(place: Place): string {
  return "page" in place ? `page=${place.page}` : `at=${place.at}`;
}

type Pages = DocumentOutline["pages"];

/** The first character of a place; of the nearest page before it where there is no such page. */
export function offsetOf(place: Place, { pages, total_length: length }: DocumentOutline): number {
  if ("at" in place) return Math.min(place.at, Math.max(0, length - 1));
  const nearest = pages.findLast(({ page }) => page <= place.page) ?? pages[0];
  return nearest?.char_start ?? 0;
}

/** The page that a character is on; undefined where the text has no pages. */
export function pageAt(pages: Pages, offset: number): number | undefined {
  return (pages.findLast((page) => page.char_start <= offset) ?? pages[0])?.page;
}

/** The index of the piece in which a character is. */
export function pieceAt(cuts: readonly number[], offset: number): number {
  let low = 0;
  let high = cuts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((cuts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What one page of a format is called. */
export function pageWord(fileType: string | null): string {
  if (fileType === "pptx" || fileType === "odp") return "Slide";
  if (fileType === "xlsx" || fileType === "xls" || fileType === "ods") return "Sheet";
  return "Page";
}

import type { DocumentOutline } from "@millrace/contracts";

type Page = { readonly page: number; readonly charStart: number; readonly charEnd: number };

/** More would be no table of contents any more. */
const maxSections = 2000;
/** More would be a text that only looks like a heading. */
const longestHeading = 200;
/** Characters of a piece: a few screens, little enough to lay out at once. */
const pieceLength = 6000;

/** What a reader finds his way by in a text: its pages, its headings, and where to cut it into pieces. */
export function outlineOf(text: string, pages: readonly Page[]): Omit<DocumentOutline, "document_id"> {
  const inOrder = pages.toSorted((a, b) => a.charStart - b.charStart);
  return {
    total_length: text.length,
    pages: inOrder.map(({ page, charStart, charEnd }) => ({
      page,
      char_start: charStart,
      char_end: charEnd,
    })),
    sections: findSections(text).map((section) => ({
      ...section,
      page: pageAt(inOrder, section.char_start),
    })),
    cuts: cutsOf(text, inOrder),
  };
}

/** Headings stand in extracted text as in Markdown; within code they are comments. */
function findSections(text: string): { title: string; level: number; char_start: number }[] {
  const sections: { title: string; level: number; char_start: number }[] = [];
  let isCode = false;
  for (const match of text.matchAll(/^(?:(#{1,6})[ \t]+(\S[^\n]*)|[ \t]*(?:```|~~~))/gm)) {
    const [, signs, words] = match;
    if (signs === undefined || words === undefined) isCode = !isCode;
    else if (!isCode) {
      const title = words.replace(/[ \t]+#*[ \t]*$/, "").trim();
      if (title === "" || title.length > longestHeading) continue;
      sections.push({ title, level: signs.length, char_start: match.index });
      if (sections.length === maxSections) break;
    }
  }
  return sections;
}

function pageAt(pages: readonly Page[], place: number): number | null {
  return pages.findLast(({ charStart }) => charStart <= place)?.page ?? null;
}

/** A page begins a piece, and a long one has several. */
function cutsOf(text: string, pages: readonly Page[]): number[] {
  const cuts: number[] = [];
  const starts = [...new Set([0, ...pages.map(({ charStart }) => charStart)])].filter(
    (start) => start < text.length,
  );
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? text.length;
    for (let cut = start; cut < end; cut = nextCut(text, cut, end)) cuts.push(cut);
  }
  return cuts;
}

/** After a paragraph if there is one that ends in reach, else after a line, a word, or a whole character. */
function nextCut(text: string, from: number, end: number): number {
  const reach = from + pieceLength;
  if (reach >= end) return end;
  const least = from + pieceLength / 2;
  for (const border of ["\n\n", "\n", " "]) {
    const found = text.lastIndexOf(border, reach - border.length);
    if (found >= least) return found + border.length;
  }
  const isSplit = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(reach - 1, reach + 1));
  return isSplit ? reach - 1 : reach;
}

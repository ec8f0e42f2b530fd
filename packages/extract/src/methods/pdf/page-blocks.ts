import { isHeadingText } from "./heading-text.ts";
import type { HeadingTag } from "./heading-tags.ts";
import type { Line } from "./lines.ts";
import { listItem } from "./paragraphs.ts";
import type { Paragraph } from "./paragraphs.ts";

/** What is kept of a block of a page until the sizes of the whole document are known. */
export type PageBlock = {
  /** Where it stands in the text of its page. */
  readonly start: number;
  readonly end: number;
  readonly y: number;
  /** Rounded to half a point: programs scale, and write 11.98 for 12. */
  readonly size: number;
  readonly font: string;
  readonly isOneStyle: boolean;
  readonly lineCount: number;
  readonly hasHeadingText: boolean;
  /** The length of its longest paragraph in letters of Latin text. */
  readonly longest: number;
  readonly isListOrTable: boolean;
  readonly gapAbove: number | undefined;
  readonly tag: HeadingTag | undefined;
};

/** A heading that was found, by the index of its page. */
export type Heading = { readonly page: number; readonly block: PageBlock; readonly level: number };

/** How many characters of the document are in which size, and in which font of a size. */
export type StyleCounts = {
  readonly sizes: Map<number, number>;
  /** By `styleKey`. */
  readonly fonts: Map<string, number>;
  readonly monospaced: Set<string>;
};

/** More of the text than this is set as headings only where that means something else: posters, forms. */
export const maxHeadingShare = 0.25;

export function describeBlock({ text, lines, gapAbove }: Paragraph, start: number): PageBlock {
  const [first] = lines;
  const size = roundSize(first?.size ?? 0);
  const font = first?.font ?? "";
  const isAlike = (line: Line): boolean =>
    line.isOneFont && line.font === font && roundSize(line.size) === size && line.isHorizontal;
  return {
    start,
    end: start + text.length,
    y: first?.y ?? 0,
    size,
    font,
    isOneStyle: lines.every(isAlike),
    lineCount: lines.length,
    hasHeadingText: isHeadingText(text),
    longest: text.split("\n").reduce((max, paragraph) => Math.max(max, widthOf(paragraph)), 0),
    isListOrTable: listItem.test(text) || lines.filter((line) => line.text.includes("\t")).length > 1,
    gapAbove,
    tag: first?.tag,
  };
}

export function roundSize(size: number): number {
  return Math.round(size * 2) / 2;
}

/** CJK characters say as much as two letters, and are as wide. */
function widthOf(text: string): number {
  return text.length + (text.match(/[\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF]/g)?.length ?? 0);
}

export function styleKey(size: number, font: string): string {
  return `${size} ${font}`;
}

export function textOf(pages: readonly string[], page: number, { start, end }: PageBlock): string {
  return pages[page]?.slice(start, end) ?? "";
}

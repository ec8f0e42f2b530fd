import { describeBlock, maxHeadingShare, roundSize, styleKey, textOf } from "./page-blocks.ts";
import type { Heading, PageBlock, StyleCounts } from "./page-blocks.ts";
import type { Paragraph } from "./paragraphs.ts";
import { withoutRunningHeads } from "./running-heads.ts";
import { headingsByStyle } from "./styled-headings.ts";

/** Longer ones are passed over by whoever looks for headings in a text. */
const longestHeading = 200;

/** Of those that end like a sentence, longer ones are sentences that someone wanted large. */
const longestSentence = 80;

/** A page of more blocks is a drawing or a form. */
const maxPageBlocks = 400;

/**
 * Finds the headings of a PDF, page by page: those that a tagged file names, else those that size and font show.
 * Which size is usual is known after the last page only; until then place and style of blocks are kept of a page,
 * which is little beside its text.
 */
export class HeadingFinder {
  readonly #pages = new Map<number, readonly PageBlock[]>();
  readonly #styles: StyleCounts = { sizes: new Map(), fonts: new Map(), monospaced: new Set() };

  /** Takes a page by its index, and gives its text, still without marks. */
  addPage(page: number, paragraphs: readonly Paragraph[], monospaced: ReadonlySet<string>): string {
    let text = "";
    const blocks: PageBlock[] = [];
    for (const paragraph of paragraphs) {
      if (text !== "") text += paragraph.separator;
      const block = describeBlock(paragraph, text.length);
      text += paragraph.text;
      blocks.push(block);
      this.#count(paragraph);
    }
    if (blocks.length <= maxPageBlocks) this.#pages.set(page, blocks);
    for (const font of monospaced) this.#styles.monospaced.add(font);
    return text;
  }

  #count({ lines }: Paragraph): void {
    const { sizes, fonts } = this.#styles;
    for (const { text, size, font } of lines) {
      const rounded = roundSize(size);
      const key = styleKey(rounded, font);
      sizes.set(rounded, (sizes.get(rounded) ?? 0) + text.length);
      fonts.set(key, (fonts.get(key) ?? 0) + text.length);
    }
  }

  /** The pages with their headings marked as in Markdown; their texts may go on behind what was added. */
  markHeadings(pages: readonly string[]): readonly string[] {
    const marked = [...pages];
    // From the end, so that places before stay where they are.
    for (const { page, block, level } of this.#find(pages).toReversed())
      marked[page] = markHeading(marked[page] ?? "", block, level);
    return marked;
  }

  #find(pages: readonly string[]): readonly Heading[] {
    const tagged = this.#taggedHeadings(pages);
    const styled = headingsByStyle(this.#pages, this.#styles, pages);
    // Often only the title was tagged, or a few: others would then stand below the wrong one.
    return tagged.length > 1 && styled.length <= tagged.length * 1.5 ? tagged : styled;
  }

  #taggedHeadings(pages: readonly string[]): readonly Heading[] {
    const found: Heading[] = [];
    let characters = 0;
    for (const [page, blocks] of this.#pages) {
      for (const block of blocks) {
        if (block.tag === undefined || !isTitle(textOf(pages, page, block))) continue;
        found.push({ page, block, level: block.tag.level });
        characters += block.end - block.start;
      }
    }
    const all = [...this.#styles.sizes.values()].reduce((sum, count) => sum + count, 0);
    return characters <= all * maxHeadingShare * 2 ? withoutRunningHeads(found, pages) : [];
  }
}

/** Whether what the file calls a heading can serve as one. */
function isTitle(text: string): boolean {
  if (!/\p{L}/u.test(text)) return false;
  return text.length <= (text.endsWith(".") ? longestSentence : longestHeading);
}

function markHeading(text: string, { start, end }: PageBlock, level: number): string {
  const before = text.slice(0, start).trimEnd();
  const after = text.slice(end).trimStart();
  const title = text.slice(start, end).replace(/\s+/g, " ").replace(/^#+ /, "");
  const heading = `${"#".repeat(level)} ${title}`;
  return [before, heading, after].filter((part) => part !== "").join("\n\n");
}

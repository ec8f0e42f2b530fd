import { maxHeadingShare, styleKey } from "./page-blocks.ts";
import type { Heading, PageBlock, StyleCounts } from "./page-blocks.ts";
import { withoutRunningHeads } from "./running-heads.ts";

/** What may be a heading. */
type Candidate = {
  readonly page: number;
  readonly block: PageBlock;
  readonly isLarger: boolean;
  /** What stands below it on its page; undefined where nothing does that a heading could belong to. */
  readonly below: PageBlock | undefined;
  /** Whether that follows without another heading between. */
  readonly isDirectlyAbove: boolean;
};

/** What looks alike, and are headings together or not at all. */
type Group = {
  readonly size: number;
  /** Characters in that style, headings or not. */
  readonly characters: number;
  readonly isLarger: boolean;
  readonly candidates: readonly Candidate[];
};

/** A tenth more than the text has is also an introduction or a quotation. */
const minLargerSize = 1.15;

/** The title of the document is larger by more. */
const minTitleSize = 1.3;

/** So many letters are one full line at least: headings stand above text, not above addresses and labels. */
const minParagraph = 60;

/** A lone heading of its kind stands above more. */
const minParagraphBelowLone = 100;

/** Space above a heading in the size of the text, in usual distances of lines. */
const minGapAbove = 1.25;

/** So much of a style must be headings, else it is the style of something else. */
const minShareOfStyle = 0.7;

/** Of sizes as near as this nobody sees the difference. */
const sameSize = 0.96;

/**
 * The headings that stand out by size or font: short blocks above running text, either clearly larger than the
 * most frequent size, or in a font of their own with space above (PDF.js does not say which font is bold).
 */
export function headingsByStyle(
  pages: ReadonlyMap<number, readonly PageBlock[]>,
  styles: StyleCounts,
  texts: readonly string[],
): readonly Heading[] {
  const bodySize = mostFrequent(styles.sizes) ?? 0;
  if (bodySize <= 0) return [];
  const bodyFont = mostFrequent(
    new Map([...styles.fonts].filter(([key]) => key.startsWith(styleKey(bodySize, "")))),
  );
  const all = [...pages].flatMap(([page, blocks]) => {
    const isCandidate = blocks.map((block) => couldBeHeading(block, bodySize, bodyFont, styles.monospaced));
    return blocks.flatMap((block, index): Candidate[] => {
      if (isCandidate[index] !== true) return [];
      const below = blocks.find((_block, at) => at > index && isCandidate[at] !== true);
      const isLarger = block.size >= bodySize * minLargerSize;
      const isDirectlyAbove = below === blocks[index + 1];
      return [{ page, block, isLarger, isDirectlyAbove, below: isAbove(block, below) ? below : undefined }];
    });
  });
  const groups = groupByStyle(withoutRunningHeads(all, texts), styles);
  const sections = limitShare(
    groups.flatMap(acceptGroup),
    [...styles.sizes.values()].reduce((sum, count) => sum + count, 0),
  );
  if (sections.length === 0) return [];
  return assignLevels([...findTitle(groups, sections, bodySize), ...sections]);
}

function mostFrequent<Key>(counts: ReadonlyMap<Key, number>): Key | undefined {
  let most: Key | undefined;
  for (const [key, count] of counts) {
    if (most === undefined || count > (counts.get(most) ?? 0)) most = key;
  }
  return most;
}

function couldBeHeading(
  block: PageBlock,
  bodySize: number,
  bodyFont: string | undefined,
  monospaced: ReadonlySet<string>,
): boolean {
  const { size, font, gapAbove } = block;
  if (!block.hasHeadingText || block.lineCount > 3) return false;
  if (size >= bodySize * minLargerSize) return true;
  if (size < bodySize * sameSize || !block.isOneStyle || block.lineCount > 1) return false;
  // A line in the font of programs is a command.
  if (styleKey(size, font) === bodyFont || monospaced.has(font)) return false;
  // Negative at the top of another column.
  return gapAbove === undefined || gapAbove < 0 || gapAbove >= minGapAbove;
}

function isAbove(block: PageBlock, below: PageBlock | undefined): boolean {
  if (below === undefined || below.size > block.size) return false;
  return below.longest >= minParagraph || below.isListOrTable;
}

/** By size, where nearly all in the size could be headings; else, and in the size of the text, by font. */
function groupByStyle(candidates: readonly Candidate[], { sizes, fonts }: StyleCounts): readonly Group[] {
  const bySize = Map.groupBy(candidates, ({ block, isLarger }) => (isLarger ? block.size : 0));
  return [...bySize].flatMap(([size, members]) => {
    const group = { size, isLarger: true, characters: sizes.get(size) ?? 0, candidates: members };
    if (size > 0 && isOwnStyle(group)) return [group];
    const byFont = Map.groupBy(members, ({ block }) => styleKey(block.size, block.font));
    return [...byFont].flatMap(([key, alike]) => {
      const [first] = alike;
      if (first === undefined) return [];
      const { block, isLarger } = first;
      return [{ size: block.size, isLarger, characters: fonts.get(key) ?? 0, candidates: alike }];
    });
  });
}

/** The group with those of its candidates that are headings; nothing where the style is used for other things too. */
function acceptGroup(group: Group): readonly Group[] {
  const candidates = group.candidates.filter(({ below }) => below !== undefined);
  const [first] = candidates;
  if (first === undefined || !isOwnStyle(group)) return [];
  const isAccepted = candidates.length > 1 || isLoneHeading(first);
  return isAccepted ? [{ ...group, candidates }] : [];
}

/** One of its kind needs to be plain: larger than the text, and right above a good deal of it. */
function isLoneHeading({ isLarger, isDirectlyAbove, below }: Candidate): boolean {
  return isLarger && isDirectlyAbove && (below?.longest ?? 0) >= minParagraphBelowLone;
}

function isOwnStyle({ characters, candidates }: Group): boolean {
  return countCharacters(candidates) >= characters * minShareOfStyle;
}

function countCharacters(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { block }) => sum + block.end - block.start, 0);
}

/** Without the smallest groups, where all together are too much of the text. */
function limitShare(groups: readonly Group[], characters: number): readonly Group[] {
  const bySize = groups.toSorted((a, b) => b.size - a.size);
  let rest = characters * maxHeadingShare;
  const firstTooMany = bySize.findIndex(({ candidates }) => (rest -= countCharacters(candidates)) < 0);
  return firstTooMany < 0 ? bySize : bySize.slice(0, firstTooMany);
}

/** The largest words of the first page, whatever stands below: often the authors. */
function findTitle(groups: readonly Group[], sections: readonly Group[], bodySize: number): readonly Group[] {
  const largest = groups.reduce<Group | undefined>(
    (found, group) => (found === undefined || group.size > found.size ? group : found),
    undefined,
  );
  if (largest === undefined || largest.size < bodySize * minTitleSize) return [];
  const isTitle = largest.candidates.length === 1 && largest.candidates[0]?.page === 0;
  return isTitle && sections.every(({ size }) => size < largest.size) ? [largest] : [];
}

/** Levels by the order of sizes; what has the size of the text comes last. */
function assignLevels(groups: readonly Group[]): readonly Heading[] {
  const ordered = groups.toSorted((a, b) => Number(b.isLarger) - Number(a.isLarger) || b.size - a.size);
  const found: Heading[] = [];
  let level = 0;
  let before: Group | undefined;
  for (const group of ordered) {
    const isSame = before?.isLarger === group.isLarger && group.size >= before.size * sameSize;
    if (!isSame) level = Math.min(6, level + 1);
    for (const { page, block } of group.candidates) found.push({ page, block, level });
    before = group;
  }
  return found.toSorted((a, b) => a.page - b.page || a.block.start - b.block.start);
}

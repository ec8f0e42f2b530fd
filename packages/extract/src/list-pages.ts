/** Beyond this nobody reads on, and a warning holds a thousand characters at most. */
const maxRanges = 20;

/** Page numbers in ascending order as people write them: `1-3, 7, 9-12`. */
export function listPages(pages: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const page of pages) {
    const range = ranges.at(-1);
    if (range?.last === page - 1) range.last = page;
    else ranges.push({ first: page, last: page });
  }
  const named = ranges
    .slice(0, maxRanges)
    .map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  return named.join(", ") + (ranges.length > maxRanges ? " and others" : "");
}

// A megabyte takes seconds and some 200 MB. More than this is read in samples: too small a limit leaves
// out what matters, too large a one takes minutes on texts made to be slow.
const mostCharacters = 1_200_000;
export const mostSentences = 12_000;

const shareOfBeginning = 0.5;
const samples = 10;

/**
 * A text that is read within bounded time: itself, or the beginning and samples spread evenly over a
 * very long one. What is left out is told by the share that is read.
 */
export function withinReach(text: string): string {
  if (text.length <= mostCharacters) return text;
  const beginning = Math.floor(mostCharacters * shareOfBeginning);
  const size = Math.floor((mostCharacters - beginning) / samples);
  const distance = (text.length - beginning) / samples;
  const pieces = Array.from({ length: samples }, (_unused, index) => {
    // The last sample ends where the text does: endings say more than their middles.
    const start = Math.floor(beginning + (index + 1) * distance) - size;
    return fromLineStart(text.slice(start, start + size));
  });
  return [text.slice(0, beginning), ...pieces].join("\n\n");
}

/** Half a sentence at the beginning of a sample would read as a whole one. */
function fromLineStart(piece: string): string {
  const newline = piece.slice(0, 5000).indexOf("\n");
  return newline === -1 ? piece : piece.slice(newline + 1);
}

/** At most so many items, spread evenly. */
export function thinOut<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items;
  const step = items.length / most;
  return Array.from({ length: most }, (_unused, index) => items[Math.floor(index * step)]).filter(
    (item) => item !== undefined,
  );
}

/**
 * How alike two texts are by their words, without their order: the harmonic mean of the shares that each has of the
 * other's (F1). Undefined when the second has too few words to say anything.
 */
export function wordAgreement(text: string, reference: string): number | undefined {
  const found = countWords(text);
  const expected = countWords(reference);
  const total = sum(expected);
  if (total < minWords) return undefined;
  let common = 0;
  for (const [word, count] of expected) common += Math.min(count, found.get(word) ?? 0);
  return (2 * common) / (sum(found) + total);
}

/** Below this one word more or less decides. */
const minWords = 20;

function countWords(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text
    .normalize("NFKC")
    .toLowerCase()
    .matchAll(/[\p{L}\p{N}]+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

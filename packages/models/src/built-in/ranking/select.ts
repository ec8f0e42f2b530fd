import type { Sentence } from "../reading/prepared-text.ts";
import { similarity } from "./text-rank.ts";
import type { SentenceVectors } from "./text-rank.ts";

export type Ranked = {
  readonly sentence: Sentence;
  readonly worth: number;
  /** Number of the stretch of text it stands in: its heading's section, or a fifth of a text without headings. */
  readonly place: number;
};

export type Selection = {
  readonly count: number;
  /** How much a resemblance to what is chosen already costs, 0 to 1. */
  readonly diversity: number;
  /** Two sentences more alike than this never stand together. */
  readonly maxSimilarity: number;
  /** The most sentences out of one place. */
  readonly maxPerPlace: number;
  /** What a sentence is worth whose place has been heard already, 0 to 1. */
  readonly worthOfSamePlace: number;
};

/**
 * Chooses the worthiest sentences that are not alike (maximal marginal relevance), and gives them in
 * the order of the text.
 */
export function selectSentences(
  ranked: readonly Ranked[],
  vectors: SentenceVectors,
  selection: Selection,
): Sentence[] {
  const chosen: Ranked[] = [];
  const left = new Set(ranked);
  while (chosen.length < selection.count && left.size > 0) {
    let best: Ranked | undefined;
    let bestValue = -Infinity;
    for (const candidate of left) {
      const closeness = chosen.reduce(
        (most, other) => Math.max(most, similarity(vectors, candidate.sentence.index, other.sentence.index)),
        0,
      );
      const inPlace = chosen.filter((other) => other.place === candidate.place).length;
      if (closeness > selection.maxSimilarity || inPlace >= selection.maxPerPlace) {
        left.delete(candidate);
        continue;
      }
      const place = inPlace > 0 ? selection.worthOfSamePlace : 1;
      const value = candidate.worth * (1 - selection.diversity * closeness) * place;
      if (value > bestValue) [best, bestValue] = [candidate, value];
    }
    if (best === undefined) break;
    chosen.push(best);
    left.delete(best);
  }
  return chosen.map(({ sentence }) => sentence).toSorted((before, after) => before.index - after.index);
}

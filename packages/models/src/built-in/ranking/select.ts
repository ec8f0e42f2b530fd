import type { Sentence } from "../reading/prepared-text.ts";
import { similarity } from "./text-rank.ts";
import type { SentenceVectors } from "./text-rank.ts";

export type Ranked = { readonly sentence: Sentence; readonly worth: number };

export type Selection = {
  readonly count: number;
  /** How much a resemblance to what is chosen already costs, 0 to 1. */
  readonly diversity: number;
  /** Two sentences more alike than this never stand together. */
  readonly maxSimilarity: number;
  /** The most sentences out of one section. */
  readonly maxPerSection: number;
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
  const chosen: Sentence[] = [];
  const left = new Set(ranked);
  while (chosen.length < selection.count && left.size > 0) {
    let best: Ranked | undefined;
    let bestValue = -Infinity;
    for (const candidate of left) {
      const closeness = chosen.reduce(
        (most, other) => Math.max(most, similarity(vectors, candidate.sentence.index, other.index)),
        0,
      );
      const inSection = chosen.filter((other) => other.section === candidate.sentence.section).length;
      if (closeness > selection.maxSimilarity || inSection >= selection.maxPerSection) {
        left.delete(candidate);
        continue;
      }
      const value = candidate.worth * (1 - selection.diversity * closeness);
      if (value > bestValue) [best, bestValue] = [candidate, value];
    }
    if (best === undefined) break;
    chosen.push(best.sentence);
    left.delete(best);
  }
  return chosen.toSorted((before, after) => before.index - after.index);
}

import type { ScoreExplanation } from "@millrace/contracts";
import { contribution } from "./fuse.ts";
import type { Fused, Weights } from "./fuse.ts";

/** How a hit's score came about: the two contributions are its sum. */
export function explainScore(
  { text, vectors }: Pick<Fused, "text" | "vectors">,
  weights: Weights,
): ScoreExplanation {
  return {
    full_text:
      text === undefined
        ? null
        : {
            ...{ rank: text.rank, weight: weights.text, contribution: contribution(text.rank, weights.text) },
            score: text.score,
            coverage: text.coverage,
          },
    vectors:
      vectors === undefined
        ? null
        : {
            rank: vectors.rank,
            weight: weights.vectors,
            contribution: contribution(vectors.rank, weights.vectors),
            similarity: vectors.similarity,
          },
  };
}

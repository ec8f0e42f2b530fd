import type { TextCandidate } from "./text-ranking.ts";
import type { VectorCandidate } from "./find-by-vector.ts";

/** How the two sides count. */
export type Weights = { readonly text: number; readonly vectors: number };

export type Fused = {
  readonly id: string;
  readonly score: number;
  readonly text: (TextCandidate & { readonly rank: number }) | undefined;
  readonly vectors: (VectorCandidate & { readonly rank: number }) | undefined;
};

/** The usual constant of reciprocal rank fusion: first places count more, yet not everything. */
const rankOffset = 60;

/** What a place on one side adds to the score. */
export function contribution(rank: number, weight: number): number {
  return weight / (rankOffset + rank);
}

/**
 * One list out of two by reciprocal rank: scores of full text and cosines are not comparable, places are.
 * Best first; equal scores by id, so that the order is always the same.
 */
export function fuse(
  text: readonly TextCandidate[],
  vectors: readonly VectorCandidate[],
  weights: Weights,
): Fused[] {
  const byText = new Map(text.map((candidate, index) => [candidate.id, { ...candidate, rank: index + 1 }]));
  const byVector = new Map(
    vectors.map((candidate, index) => [candidate.id, { ...candidate, rank: index + 1 }]),
  );
  const fused = [...new Set([...byText.keys(), ...byVector.keys()])].map((id) => {
    const found = { text: byText.get(id), vectors: byVector.get(id) };
    const score =
      (found.text === undefined ? 0 : contribution(found.text.rank, weights.text)) +
      (found.vectors === undefined ? 0 : contribution(found.vectors.rank, weights.vectors));
    return { id, score, ...found };
  });
  return fused.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

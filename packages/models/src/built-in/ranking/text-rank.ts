import type { PreparedText, Sentence } from "../reading/prepared-text.ts";

// The graph is quadratic in sentences: 400 take a few dozen ms, 2000 would take seconds.
const largestGraph = 400;
const winnersOfGraph = 60;

/** Sparse vectors of stems weighted by rarity, of length 1. */
export type SentenceVectors = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** How central each sentence is, 0 to 1, by its index. Long texts are ranked in sections, then the winners. */
export function rankSentences(
  text: PreparedText,
  candidates: readonly Sentence[],
): { scores: Map<number, number>; vectors: SentenceVectors } {
  const vectors = new Map(candidates.map((sentence) => [sentence.index, vectorOf(sentence, text)]));
  let round = candidates;
  while (round.length > largestGraph) {
    const winners: Sentence[] = [];
    for (let start = 0; start < round.length; start += largestGraph) {
      const section = round.slice(start, start + largestGraph);
      const scores = centrality(section, vectors);
      winners.push(
        ...section
          .toSorted((left, right) => (scores.get(right.index) ?? 0) - (scores.get(left.index) ?? 0))
          .slice(0, winnersOfGraph)
          .toSorted((left, right) => left.index - right.index),
      );
    }
    round = winners;
  }
  return { scores: centrality(round, vectors), vectors };
}

function vectorOf(sentence: Sentence, text: PreparedText): Map<string, number> {
  const total = Math.max(1, text.sentences.length);
  const weights = sentence.terms.map((term): [string, number] => [
    term,
    Math.log(1 + total / (text.sentenceCounts.get(term) ?? 1)),
  ]);
  const norm = Math.sqrt(weights.reduce((sum, [, weight]) => sum + weight * weight, 0)) || 1;
  return new Map(weights.map(([term, weight]) => [term, weight / norm]));
}

/** Cosine of two sentences. */
export function similarity(vectors: SentenceVectors, left: number, right: number): number {
  const a = vectors.get(left);
  const b = vectors.get(right);
  if (a === undefined || b === undefined) return 0;
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let dot = 0;
  for (const [term, weight] of small) dot += weight * (large.get(term) ?? 0);
  return dot;
}

/** PageRank over the similarity graph, scaled so that the best sentence has 1. */
function centrality(sentences: readonly Sentence[], vectors: SentenceVectors): Map<number, number> {
  const size = sentences.length;
  const weights = similarityMatrix(sentences, vectors);
  const sums = Array.from({ length: size }, (_unused, row) => {
    let sum = 0;
    for (let column = 0; column < size; column += 1) sum += weights[row * size + column] ?? 0;
    return sum;
  });
  let ranks = new Float64Array(size).fill(1 / Math.max(1, size));
  for (let round = 0; round < 25; round += 1) {
    const next = new Float64Array(size).fill(0.15 / Math.max(1, size));
    for (let row = 0; row < size; row += 1) {
      const share = (0.85 * (ranks[row] ?? 0)) / (sums[row] || 1);
      if (sums[row] === 0) continue;
      for (let column = 0; column < size; column += 1) {
        next[column] = (next[column] ?? 0) + share * (weights[row * size + column] ?? 0);
      }
    }
    ranks = next;
  }
  const best = Math.max(...ranks, Number.MIN_VALUE);
  return new Map(sentences.map((sentence, row) => [sentence.index, (ranks[row] ?? 0) / best]));
}

function similarityMatrix(sentences: readonly Sentence[], vectors: SentenceVectors): Float64Array {
  const size = sentences.length;
  const matrix = new Float64Array(size * size);
  const postings = new Map<string, Array<[number, number]>>();
  for (const [row, sentence] of sentences.entries()) {
    for (const [term, weight] of vectors.get(sentence.index) ?? []) {
      const others = postings.get(term) ?? [];
      for (const [other, otherWeight] of others) {
        const product = weight * otherWeight;
        matrix[row * size + other] = (matrix[row * size + other] ?? 0) + product;
        matrix[other * size + row] = (matrix[other * size + row] ?? 0) + product;
      }
      others.push([row, weight]);
      postings.set(term, others);
    }
  }
  return matrix;
}

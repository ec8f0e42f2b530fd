/** How well lists of hits answer questions, each from 0 to 1: the means over all questions. */
export type RetrievalScores = {
  /** The share of what is relevant among the first so many. */
  readonly recallAt: Readonly<Record<number, number>>;
  /** One divided by the place of the first relevant hit; 0 where there is none. */
  readonly reciprocalRank: number;
  /** Like recall of the first ten, and earlier places count more. */
  readonly ndcgAt10: number;
};

export type JudgedQuestion = {
  /** What was found, best first; what comes twice counts once. */
  readonly found: readonly string[];
  /** At least one. */
  readonly relevant: ReadonlySet<string>;
};

const depths = [1, 3, 5, 10] as const;

/** Scores answers against what people say is relevant; every relevant thing counts the same. */
export function scoreRetrieval(questions: readonly JudgedQuestion[]): RetrievalScores {
  const judged = questions.map(({ found, relevant }) => ({ found: [...new Set(found)], relevant }));
  return {
    recallAt: Object.fromEntries(
      depths.map((depth) => [depth, mean(judged.map((one) => recall(one, depth)))]),
    ),
    reciprocalRank: mean(judged.map(reciprocalRank)),
    ndcgAt10: mean(judged.map(ndcgAt10)),
  };
}

function recall({ found, relevant }: JudgedQuestion, depth: number): number {
  return found.slice(0, depth).filter((id) => relevant.has(id)).length / relevant.size;
}

function reciprocalRank({ found, relevant }: JudgedQuestion): number {
  const place = found.findIndex((id) => relevant.has(id));
  return place < 0 ? 0 : 1 / (place + 1);
}

function ndcgAt10({ found, relevant }: JudgedQuestion): number {
  const gains = found.slice(0, 10).map((id, index) => (relevant.has(id) ? discount(index) : 0));
  const best = Array.from({ length: Math.min(10, relevant.size) }, (_value, index) => discount(index));
  return sum(gains) / sum(best);
}

function discount(index: number): number {
  return 1 / Math.log2(index + 2);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

import type { PartResults } from "./part-plans.ts";

/** The result of one stretch of a text and how much text it stands for. */
export type Weighed<Result> = { readonly result: Result; readonly weight: number };

type WeighedSentiment = Weighed<PartResults["sentiment"]>;

const mostEvidence = 4;

/**
 * One sentiment out of those of consecutive stretches: the mean by length of text. It is `mixed` when
 * clearly good and clearly bad stretches each make up a fifth.
 */
export function mergeSentiments(stretches: readonly WeighedSentiment[]): PartResults["sentiment"] {
  const total = stretches.reduce((sum, { weight }) => sum + weight, 0) || 1;
  const share = (label: string) =>
    stretches.reduce((sum, { result, weight }) => sum + (result.label === label ? weight : 0), 0) / total;
  const mean = stretches.reduce((sum, { result, weight }) => sum + result.score * weight, 0) / total;
  const [positive, negative, mixed] = [share("positive"), share("negative"), share("mixed")];
  const label = mergedLabel(mean, { positive, negative, mixed });
  return { label, score: Math.round(mean * 100) / 100, evidence: mergeEvidence(label, stretches) };
}

function mergedLabel(
  mean: number,
  share: { positive: number; negative: number; mixed: number },
): PartResults["sentiment"]["label"] {
  if (share.mixed >= 0.5 || (share.positive >= 0.2 && share.negative >= 0.2)) return "mixed";
  if (mean > 0.1) return "positive";
  return mean < -0.1 ? "negative" : "neutral";
}

/** The first sentences of the stretches that agree most strongly with the label, in the text's order. */
function mergeEvidence(
  label: PartResults["sentiment"]["label"],
  stretches: readonly WeighedSentiment[],
): string[] {
  const isTold = (stretch: WeighedSentiment) => stretch.result.evidence.length > 0;
  const agreeing = stretches.filter(
    (stretch) => isTold(stretch) && (label === "mixed" || stretch.result.label === label),
  );
  const chosen = (agreeing.length > 0 ? agreeing : stretches.filter(isTold))
    .toSorted((left, right) => Math.abs(right.result.score) - Math.abs(left.result.score))
    .slice(0, mostEvidence);
  const sentences = stretches
    .filter((stretch) => chosen.includes(stretch))
    .flatMap(({ result }) => result.evidence.slice(0, 1));
  return [...new Set(sentences)];
}

const mostTopics = 8;

/** The topics that most stretches name, early ones first; the same topic in another case counts as one. */
export function mergeTopics(stretches: readonly PartResults["topics"][]): PartResults["topics"] {
  const found = new Map<string, { readonly topic: string; score: number }>();
  for (const { topics } of stretches) {
    for (const [rank, topic] of topics.entries()) {
      const key = topic.toLocaleLowerCase();
      const entry = found.get(key) ?? { topic, score: 0 };
      entry.score += 1 / (1 + rank / 2);
      found.set(key, entry);
    }
  }
  const ranked = [...found.values()].toSorted((left, right) => right.score - left.score);
  return { topics: ranked.slice(0, mostTopics).map(({ topic }) => topic) };
}

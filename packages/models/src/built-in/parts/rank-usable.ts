import { rankSentences } from "../ranking/text-rank.ts";
import type { SentenceVectors } from "../ranking/text-rank.ts";
import type { Ranked } from "../ranking/select.ts";
import { worthOf } from "../ranking/worth.ts";
import type { PreparedText } from "../reading/prepared-text.ts";

export type RankedText = { readonly ranked: readonly Ranked[]; readonly vectors: SentenceVectors };

/** The quotable sentences of a text with their worth; repeated sentences count once. */
export function rankUsable(text: PreparedText): RankedText {
  const seen = new Set<string>();
  const candidates = text.sentences.filter((sentence) => {
    const isNew = sentence.isUsable && !seen.has(sentence.text);
    seen.add(sentence.text);
    return isNew;
  });
  const { scores, vectors } = rankSentences(text, candidates);
  const bySentence = new Map(candidates.map((sentence) => [sentence.index, sentence]));
  const ranked = [...scores].flatMap(([index, centrality]) => {
    const sentence = bySentence.get(index);
    return sentence === undefined ? [] : [{ sentence, worth: worthOf(sentence, centrality, text) }];
  });
  return { ranked, vectors };
}

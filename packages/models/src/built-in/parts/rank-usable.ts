import { rankSentences } from "../ranking/text-rank.ts";
import type { SentenceVectors } from "../ranking/text-rank.ts";
import type { Ranked } from "../ranking/select.ts";
import { worthOf } from "../ranking/worth.ts";
import type { PreparedText, Sentence } from "../reading/prepared-text.ts";

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
  const placeOf = placesOf(text, candidates);
  const bySentence = new Map(candidates.map((sentence) => [sentence.index, sentence]));
  const ranked = [...scores].flatMap(([index, centrality]) => {
    const sentence = bySentence.get(index);
    if (sentence === undefined) return [];
    return [{ sentence, worth: worthOf(sentence, centrality, text), place: placeOf(sentence) }];
  });
  return { ranked, vectors };
}

const placesWithoutHeadings = 5;

function placesOf(text: PreparedText, candidates: readonly Sentence[]): (sentence: Sentence) => number {
  const sections = new Set(candidates.map((sentence) => sentence.section)).size;
  if (sections >= 3) return (sentence) => sentence.section;
  const size = Math.max(1, text.sentences.length / placesWithoutHeadings);
  return (sentence) => Math.floor(sentence.index / size);
}

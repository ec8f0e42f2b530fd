import { selectSentences } from "../ranking/select.ts";
import { refusalFor } from "./refusal.ts";
import type { PreparedText } from "../reading/prepared-text.ts";
import type { RankedText } from "./rank-usable.ts";

/**
 * Three to seven sentences that say different things, spread over the text. A text with fewer whole
 * sentences gives those and its list items. Throws `text_too_short` or `text_without_sentences` when there is nothing to list.
 */
export function keyPoints(text: PreparedText, { ranked, vectors }: RankedText): { points: string[] } {
  const count = ranked.length < 6 ? 3 : ranked.length < 12 ? 5 : ranked.length < 20 ? 6 : 7;
  const chosen = selectSentences(ranked, vectors, {
    count,
    diversity: 0.8,
    maxSimilarity: 0.45,
    maxPerPlace: 3,
    worthOfSamePlace: 0.6,
  });
  const points = chosen.map((sentence) => ({ index: sentence.index, text: sentence.text }));
  if (points.length < 3) points.push(...itemsBeside(text, points, 5 - points.length));
  if (points.length === 0) throw refusalFor(text, "key points");
  return { points: points.toSorted((left, right) => left.index - right.index).map((point) => point.text) };
}

/** List items of three words or more, for notes that hardly have sentences. */
function itemsBeside(
  text: PreparedText,
  chosen: ReadonlyArray<{ text: string }>,
  count: number,
): Array<{ index: number; text: string }> {
  const taken = new Set(chosen.map((point) => point.text));
  return text.sentences
    .filter(
      ({ kind, words, text: own }) =>
        kind === "item" && words.length >= 3 && !own.endsWith(":") && !taken.has(own),
    )
    .slice(0, count);
}

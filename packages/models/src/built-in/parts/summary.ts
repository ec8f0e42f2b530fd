import { selectSentences } from "../ranking/select.ts";
import type { PreparedText } from "../reading/prepared-text.ts";
import type { RankedText } from "./rank-usable.ts";
import { refusalFor, shortTextCharacters } from "./refusal.ts";

/**
 * Two to four sentences of the text, in its order. A text shorter than that is its own summary.
 * Throws `text_too_short` or `text_without_sentences`.
 */
export function summarise(text: PreparedText, { ranked, vectors }: RankedText): { text: string } {
  if (ranked.length <= 2) {
    const whole = text.sentences.map((sentence) => sentence.text);
    const all = whole.length > 0 ? whole : text.headings.map((words) => joinWords(words));
    const shown = all.join(joinerOf(text));
    if (shown !== "" && shown.length <= shortTextCharacters) return { text: shown };
    if (ranked.length === 0) throw refusalFor(text, "a summary");
  }
  const chosen = selectSentences(ranked, vectors, {
    count: ranked.length < 6 ? 2 : ranked.length < 12 ? 3 : 4,
    diversity: 0.6,
    maxSimilarity: 0.6,
    maxPerPlace: 2,
    worthOfSamePlace: 0.8,
  });
  return { text: chosen.map((sentence) => sentence.text).join(joinerOf(text)) };
}

/** Chinese and Japanese put nothing between sentences. */
function joinerOf(text: PreparedText): string {
  return text.language === "zh" || text.language === "ja" ? "" : " ";
}

function joinWords(words: PreparedText["headings"][number]): string {
  return words.map((word, index) => (word.isSpaced && index > 0 ? ` ${word.value}` : word.value)).join("");
}

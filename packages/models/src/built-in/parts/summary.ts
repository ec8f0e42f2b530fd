import { selectSentences } from "../ranking/select.ts";
import type { Ranked } from "../ranking/select.ts";
import type { SentenceVectors } from "../ranking/text-rank.ts";
import { isLeaning } from "../ranking/worth.ts";
import type { PreparedText, Sentence } from "../reading/prepared-text.ts";
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
  const chosen = choose(text, ranked, vectors);
  return { text: chosen.map((sentence) => sentence.text).join(joinerOf(text)) };
}

/** Each costs a choice; a text where so many of the best lean on others has no better beginning. */
const mostBeginnings = 6;

/** Not one that begins with "It", of which nobody knows what it is, where another choice begins better. */
function choose(text: PreparedText, ranked: readonly Ranked[], vectors: SentenceVectors): Sentence[] {
  const selection = {
    count: ranked.length < 6 ? 2 : ranked.length < 12 ? 3 : 4,
    diversity: 0.6,
    maxSimilarity: 0.6,
    maxPerPlace: 2,
    worthOfSamePlace: 0.8,
  };
  const best = selectSentences(ranked, vectors, selection);
  let left = ranked;
  let chosen = best;
  for (let beginning = 0; beginning < mostBeginnings; beginning++) {
    const [first] = chosen;
    if (first === undefined) return best;
    // What stands first in the text leans on nothing that was left out.
    if (first.index === 0 || !isLeaning(first, text)) return chosen;
    left = left.filter(({ sentence }) => sentence !== first);
    chosen = selectSentences(left, vectors, selection);
    if (chosen.length < best.length) return best;
  }
  return best;
}

/** Chinese and Japanese put nothing between sentences. */
function joinerOf(text: PreparedText): string {
  return text.language === "zh" || text.language === "ja" ? "" : " ";
}

function joinWords(words: PreparedText["headings"][number]): string {
  return words.map((word, index) => (word.isSpaced && index > 0 ? ` ${word.value}` : word.value)).join("");
}

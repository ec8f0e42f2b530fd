import { locateQuote } from "../reading/locate-quote.ts";
import type { PreparedText, Sentence, Word } from "../reading/prepared-text.ts";

type Quote = {
  /** The sentence as a reader sees it, markup and broken lines mended. */
  readonly text: string;
  /** Where it stands in the text that was given, in UTF-16 code units; null when it was not found there letter by letter. */
  readonly start: number | null;
  readonly end: number | null;
  /** How much of the question's weight it covers, 0 to 1. Comparable within one text only. */
  readonly score: number;
};

const mostQuotes = 3;
// Less than this share of a question's weight is a common word in passing: more is asked of one word than
// of several that come together. Too low quotes nonsense, too high finds nothing where the text says it in
// other words; between the two, nonsense is worse.
const leastOfSeveral = 0.3;
const leastOfOne = 0.4;
// A second quote that covers far less than the first only distracts.
const leastOfBest = 0.55;

/**
 * The sentences of a text that speak of what a question asks, best first, at most three. Finds the
 * question's words, not its meaning; when too few of them come together, there are no quotes.
 */
export function answer(
  text: PreparedText,
  source: string,
  question: readonly Word[],
): { quotes: readonly Quote[] } {
  const asked = weighQuestion(text, question);
  const total = [...asked.values()].reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return { quotes: [] };
  const wantsNumber = numberWords.test(question.map((word) => word.value).join(" "));
  const ranked = text.sentences
    .map((sentence, index) => {
      const { weight, words } = coverage(sentence, text.sentences[index - 1], asked, text.isEnglish);
      const covered = weight / total;
      return { sentence, covered, words, rank: covered * formFactor(sentence, wantsNumber) };
    })
    .filter(({ covered, words }) => covered >= (words > 1 ? leastOfSeveral : leastOfOne))
    .toSorted((left, right) => right.rank - left.rank || left.sentence.index - right.sentence.index);
  const best = ranked[0]?.rank ?? 0;
  const seen = new Set<string>();
  const chosen = ranked
    .filter(({ rank, sentence }) => {
      const isNew = !seen.has(sentence.text);
      seen.add(sentence.text);
      return isNew && rank >= best * leastOfBest;
    })
    .slice(0, mostQuotes);
  return {
    quotes: chosen.map(({ sentence, covered }) => ({
      text: sentence.text,
      ...(locateQuote(source, sentence.text) ?? { start: null, end: null }),
      score: Math.round(Math.min(1, covered) * 100) / 100,
    })),
  };
}

// A number answers these.
const numberWords =
  /\b(how (many|much|long|often|far|old|big|large|high|hot|fast)|when|what (percentage|year|date|time)|wie ?(viele?|lange?|oft|hoch|weit|groß|alt)|wann|combien|quand|cuánt[oa]s?|cuándo|quant[oiae]|quando|hoeveel|wanneer|ile|kiedy|kolik|kdy|koľko|kedy|hur (många|mycket|länge)|när|сколько|когда)\b|多少|几|什么时候|多久|多远|多长/iu;

/** The question's content words with what finding each is worth: rare words of the text tell more. */
function weighQuestion(text: PreparedText, question: readonly Word[]): Map<string, number> {
  const sentences = Math.max(1, text.sentences.length);
  const weights = new Map<string, number>();
  for (const word of question) {
    if (word.isStopWord || !/[\p{L}\p{N}]/u.test(word.value) || asking.has(word.value.toLowerCase()))
      continue;
    // A word that the text does not have weighs as much as one that it has once.
    const found = Math.max(1, text.sentenceCounts.get(word.stem) ?? 0);
    weights.set(word.stem, Math.log(1 + sentences / (found + 0.5)));
  }
  return weights;
}

const asking = new Set(
  "who whom whose what which when where why how many much long often does did do is are was were will would can could should may might must happen happens happened tell mean means take takes wer wen wem was welche welcher welches wann wo warum wieso wie viel viele lange heißt geschieht passiert qui que quoi quel quelle quels quelles quand où pourquoi comment combien quién quiénes qué cuál cuáles cuándo dónde por cómo cuánto cuántos cuánta cuántas 什么 哪里 哪个 多少 怎么 怎样 谁 时候 为什么 多久 多远 几".split(
    " ",
  ),
);

// A word in the sentence before helps to find what "it" and "they" speak of.
const shareOfNeighbour = 0.4;
// Another form of the word, or a longer word that begins with it.
const shareOfVariant = 0.7;

function coverage(
  sentence: Sentence,
  before: Sentence | undefined,
  asked: ReadonlyMap<string, number>,
  isEnglish: boolean,
): { readonly weight: number; readonly words: number } {
  let covered = 0;
  let words = 0;
  for (const [stem, weight] of asked) {
    const here = matchOf(sentence, stem, isEnglish);
    const near =
      before === undefined || before.section !== sentence.section ? 0 : matchOf(before, stem, isEnglish);
    covered += weight * Math.max(here, near * shareOfNeighbour);
    if (here > 0 || near > 0) words += 1;
  }
  return { weight: covered, words };
}

function matchOf(sentence: Sentence, stem: string, isEnglish: boolean): number {
  if (sentence.terms.includes(stem)) return 1;
  const isForm = isEnglish ? isSameDoubled : isVariant;
  return sentence.terms.some((term) => isForm(term, stem)) ? shareOfVariant : 0;
}

/** English stems agree, but for "added" and "add". */
function isSameDoubled(left: string, right: string): boolean {
  return left.replace(/(.)\1$/, "$1") === right.replace(/(.)\1$/, "$1");
}

function isVariant(left: string, right: string): boolean {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(short)) {
    return short.length >= 2 && long.includes(short);
  }
  return short.length >= 4 && long.startsWith(short);
}

const numeral =
  /\p{N}|[一二三四五六七八九十百千万]|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty(-\w+)?|hundred|thousand|million)\b/iu;

function formFactor(sentence: Sentence, wantsNumber: boolean): number {
  let factor = 1;
  if (wantsNumber) factor *= numeral.test(sentence.text) ? 1.2 : 0.6;
  if (sentence.text.endsWith("?") || sentence.text.endsWith("？")) factor *= 0.6;
  if (!sentence.isUsable) factor *= 0.9;
  // Long sentences hold many words of any question.
  return factor * (sentence.terms.length > 30 ? 0.9 : 1);
}

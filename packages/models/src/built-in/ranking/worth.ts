import type { PreparedText, Sentence } from "../reading/prepared-text.ts";

// A sentence that begins so leans on the one before it and reads badly alone.
const leaning: Readonly<Record<string, RegExp>> = {
  en: /^["'“‘(]*(this|that|these|those|it|its|it's|he|she|they|his|her|their|such|but|and|so|or|yet|however|because|here|here's|there|also|then|therefore|thus|hence|instead|moreover|furthermore|meanwhile|nevertheless|otherwise|still|for (example|instance)|in (addition|contrast|this|that|these|other words)|as a result|on the other hand|at the same time|one|another|both|if this|again|only then|nothing|most|some|others|either|after that|once)\b/i,
  de: /^["„“(]*(dies|diese|dieser|dieses|diesen|das|es|er|sie|aber|und|doch|jedoch|dennoch|daher|deshalb|darum|dabei|dazu|dann|außerdem|zudem|auch|so|hier|dort|trotzdem|allerdings|damit|denn|oder|ebenso)\b/i,
  fr: /^["«(]*(ce|cet|cette|ces|cela|il|elle|ils|elles|mais|et|donc|cependant|ainsi|aussi|alors|puis|ici|toutefois|or|en effet|par exemple)\b/i,
  es: /^["«¿(]*(este|esta|esto|estos|estas|ese|esa|eso|él|ella|ellos|pero|y|sin embargo|así|también|entonces|además|por ejemplo|por eso|aquí)\b/i,
  zh: /^["“「（]*(这|那|它|他|她|但|但是|而|所以|因此|因为|此外|同时|然而|另外|例如|并且|于是)/,
};

const talkative =
  /\b(let's|let me|in this (article|post|guide|tutorial|chapter|section)|we'll|i'll|check out|read on|stay tuned|as (mentioned|shown|described)|click|subscribe|happy coding|imagine|see (the )?(figure|table|section|below|above)|you might (think|wonder)|look,)\b/i;

const concluding =
  /\b(key (insight|point|finding|lesson|takeaway|advantage)|most important(ly)?|in (short|summary|conclusion|essence)|overall|to sum up|conclude[sd]?|the answer is|we (found|show|propose|present)|(study|report|results?) (finds?|found|shows?|showed|suggests?))\b/i;

// A text that says in one sentence what it is about.
const announcing =
  /^(this|the|our|in this) (article|paper|study|report|post|document|agreement|guide|work|essay)\b|\bwe (found|find|show|propose|present|recorded|measured|examined|conclude|report)\b/i;

const figure =
  /\d|\b(percent|per cent|million|billion|half|third|quarter)\b|Prozent|Millionen|pour cent|百分/i;

/**
 * How much a sentence is worth showing by itself: its centrality, weighed by where it stands, how
 * long it is, and whether it can be understood without its neighbours.
 */
export function worthOf(sentence: Sentence, centrality: number, text: PreparedText): number {
  const { length } = text.sentences;
  let worth = 0.25 + centrality;
  // The first sentences of news and reports say most; the effect fades within a dozen sentences.
  worth *= 1 + 0.6 * Math.exp(-sentence.index / 3);
  if (sentence.isFirstOfBlock) worth *= 1.1;
  if (length > 20 && sentence.index > length * 0.93) worth *= 0.9;
  worth *= lengthFactor(sentence);
  const isAnnouncing = text.isEnglish && announcing.test(sentence.text);
  if (isAnnouncing) worth *= 1.35;
  else if (isLeaning(sentence, text)) worth *= 0.6;
  if (sentence.isInDigest) worth *= 1.3;
  if (figure.test(sentence.text)) worth *= 1.12;
  if (sentence.text.endsWith("?")) worth *= 0.35;
  if (sentence.text.endsWith("!")) worth *= 0.75;
  if (text.isEnglish && !isAnnouncing && talkative.test(sentence.text)) worth *= 0.5;
  if (text.isEnglish && /^["“]/.test(sentence.text)) worth *= 0.75;
  if (text.isEnglish && /\b(I|me|my)\b/.test(sentence.text)) worth *= 0.8;
  if (text.isEnglish && concluding.test(sentence.text)) worth *= 1.3;
  if (sentence.kind === "item" && !text.isMostlyItems) worth *= 0.75;
  if (/^[^\s:]+( [^\s:]+){0,3}: /.test(sentence.text)) worth *= 0.7;
  return worth * (1 + 0.35 * headingShare(sentence, text));
}

/** Whether it begins with what the sentence before it said, as with a pronoun: alone nobody knows what it means. */
export function isLeaning(sentence: Sentence, text: PreparedText): boolean {
  if (text.isEnglish && announcing.test(sentence.text)) return false;
  return leaning[text.isEnglish ? "en" : (text.language ?? "")]?.test(sentence.text) === true;
}

function lengthFactor(sentence: Sentence): number {
  const isUnspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(sentence.text);
  const words = isUnspaced ? sentence.text.length / 2 : sentence.words.length;
  if (words < 8) return 0.6;
  if (words < 12) return 0.85;
  if (words <= 32) return 1;
  return words <= 45 ? 0.85 : 0.6;
}

/** Which share of the title's and headings' words a sentence speaks of, up to 1. */
function headingShare(sentence: Sentence, text: PreparedText): number {
  if (text.headingTerms.size === 0 || sentence.terms.length === 0) return 0;
  const shared = sentence.terms.filter((term) => text.headingTerms.has(term)).length;
  return Math.min(1, shared / Math.min(6, Math.max(2, text.headingTerms.size)));
}

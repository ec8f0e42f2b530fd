import vader from "vader-sentiment";
import { modelErrors } from "../../errors.ts";
import { languageName } from "../reading/language.ts";
import { refusalFor } from "./refusal.ts";
import { thinOut } from "../reading/within-reach.ts";
import type { PreparedText, Sentence } from "../reading/prepared-text.ts";

type Label = "positive" | "negative" | "neutral" | "mixed";
type Scored = { readonly sentence: Sentence; readonly score: number };

function compoundOf(sentence: string): number {
  return vader.SentimentIntensityAnalyzer.polarity_scores(sentence).compound;
}

// Words of trades that VADER takes for feelings; in a text they describe things, not moods.
const technicalWords =
  /\b(errors?|kill(s|ed|ing)?|fail(s|ed|ing|ures?|over)?|free|aborts?|aborted|block(s|ed|ing)?|critical|dead ?locks?|dead letters?|death|attacks?|debug(ging)?|bugs?|warnings?|alerts?|interrupt(s|ed)?|drop(s|ped)?|exceptions?|shares?|shared|sharing|resolv(e|es|ed)|creat(e|es|ed)|support(s|ed|ing)?|secur(e|es|ity)|securely|crash(es|ed)?|stop(s|ped|ping)?|reject(s|ed)?|natural|accept(s|ed)?|trust(s|ed)?|interests?|value[sd]?|like|challenge[sd]?|no|matter|matters|intelligence|intelligent|united|solutions?|please|agree[ds]?|agreements?|promise[ds]?|increase[ds]?|amends?|amendments?|bright|important|isolat(e|es|ed|ion)|hand(s|ed)?|waste[sd]?|strong(er|est|ly)?|weak(er|est|ly)?|warm(er|th)?|clear(er|ly)?|energy|dead|die[sd]?|dying|los(e|es|t|ing)|defend(s|ed)?|attract(s|ed)?|weighted|engag(e|es|ed))\b/gi;

// A millisecond each for VADER: of a book, these are enough to tell its mood.
const mostScored = 4000;

/**
 * The mood of an English text: the mean of its sentences' scores, with the sentences that decided.
 * Throws `sentiment_language_unsupported` or `text_too_short`.
 */
export function sentiment(text: PreparedText): { label: Label; score: number; evidence: string[] } {
  if (!text.isEnglish) {
    throw modelErrors.sentimentLanguageUnsupported(
      text.language === null ? "this language" : languageName(text.language),
    );
  }
  const judged = text.sentences.filter((sentence) => sentence.words.length >= 3);
  const scored = thinOut(judged, mostScored).map((sentence) => ({
    sentence,
    score: compoundOf(neutralise(sentence.text)),
  }));
  if (scored.length === 0) throw refusalFor(text, "sentiment");
  const mean = scored.reduce((sum, { score }) => sum + score, 0) / scored.length;
  const label = labelOf(mean, scored);
  return { label, score: Math.round(mean * 100) / 100, evidence: evidenceFor(label, scored) };
}

function neutralise(sentence: string): string {
  return sentence.slice(0, 2000).replace(technicalWords, (word) => "x".repeat(word.length));
}

// Weaker scores come from single lukewarm words; a mixed text praises and complains in earnest.
const clear = 0.35;

function labelOf(mean: number, scored: readonly Scored[]): Label {
  const positive = scored.filter(({ score }) => score >= clear).length;
  const negative = scored.filter(({ score }) => score <= -clear).length;
  const decided = positive + negative;
  // A report has a warm word here and there; a mood is in a fair share of the sentences.
  if (decided < scored.length * 0.2) return "neutral";
  const isTwoSided = Math.min(positive, negative) >= Math.max(1, decided * 0.25);
  if (isTwoSided && decided >= scored.length * 0.3 && Math.abs(mean) <= 0.3) return "mixed";
  if (mean > 0.1) return "positive";
  if (mean < -0.1) return "negative";
  return "neutral";
}

/** Up to three sentences for a clear mood, two of each side for a mixed one, the strongest for none. */
function evidenceFor(label: Label, scored: readonly Scored[]): string[] {
  const strongest = scored
    .filter(({ score, sentence }) => Math.abs(score) >= 0.05 && sentence.text.length <= 600)
    .toSorted((left, right) => weight(right) - weight(left));
  const up = strongest.filter(({ score }) => score > 0);
  const down = strongest.filter(({ score }) => score < 0);
  const chosen: Readonly<Record<Label, readonly Scored[]>> = {
    positive: up.slice(0, 3),
    negative: down.slice(0, 3),
    mixed: [...up.slice(0, 2), ...down.slice(0, 2)],
    neutral: strongest.slice(0, 2),
  };
  const texts = chosen[label]
    .toSorted((left, right) => left.sentence.index - right.sentence.index)
    .map(({ sentence }) => sentence.text);
  return [...new Set(texts)];
}

/** Whole sentences convince more than fragments of the same strength. */
function weight({ score, sentence }: Scored): number {
  return Math.abs(score) * (sentence.isUsable ? 1 : 0.6);
}

import { refusalFor } from "./refusal.ts";
import type { PreparedText } from "../reading/prepared-text.ts";
import { englishMentions, neutralMentions } from "./topic-candidates.ts";
import type { Mention } from "./topic-candidates.ts";

type Topic = {
  readonly key: string;
  readonly stems: readonly string[];
  count: number;
  score: number;
  isName: boolean;
  /** Tagged as a name, but only where every word has a capital. */
  isMaybeName: boolean;
  isInHeading: boolean;
  isPerson: boolean;
  /** How often each written form occurs, and how often inside a sentence. */
  readonly forms: Map<string, number>;
};

const mostTopics = 8;

/**
 * What a text is about: three to eight names and noun phrases in the text's own words, the weightiest
 * first. A text where nothing repeats gives its first phrases. Throws `text_too_short` or `text_without_sentences` for none.
 */
export function topics(text: PreparedText): { topics: string[] } {
  const found = countTopics(text.isEnglish ? englishMentions(text) : neutralMentions(text));
  const total = text.sentences.length;
  const ranked = [...found.values()]
    .map((topic) => ({ ...topic, score: scoreOf(topic, total, text.isEnglish) }))
    .toSorted((left, right) => right.score - left.score);
  const repeated = ranked.filter((topic) => topic.count >= 2);
  const once = ranked.filter((topic) => topic.count < 2 && (text.isEnglish || topic.stems.length === 1));
  const wanted = text.isEnglish ? 5 : 3;
  const few = repeated.length >= wanted ? [] : once.slice(0, wanted + 3 - repeated.length);
  const chosen = withoutRepeats(foldIntoLonger([...repeated.slice(0, 60), ...few])).slice(0, mostTopics);
  if (chosen.length === 0) throw refusalFor(text, "topics");
  return { topics: chosen.map((topic) => formOf(topic, text)) };
}

function countTopics(mentions: readonly Mention[]): Map<string, Topic> {
  const found = new Map<string, Topic>();
  for (const mention of mentions) {
    const topic = found.get(mention.key) ?? {
      key: mention.key,
      stems: mention.key.split(" "),
      count: 0,
      score: 0,
      isName: false,
      isMaybeName: false,
      isInHeading: false,
      isPerson: false,
      forms: new Map<string, number>(),
    };
    topic.count += 1;
    topic.isName ||= mention.isName && !mention.isAtStart;
    topic.isMaybeName ||= mention.isName;
    topic.isInHeading ||= mention.isHeading;
    topic.isPerson ||= mention.isPerson;
    const form = mention.words.join(" ");
    // Inside a sentence the capital letters mean something; at its start and in headings they don't.
    topic.forms.set(form, (topic.forms.get(form) ?? 0) + (mention.isAtStart ? 0.1 : 1));
    found.set(mention.key, topic);
  }
  return found;
}

function scoreOf(topic: Topic, sentenceCount: number, isEnglish: boolean): number {
  const words = topic.stems.length;
  let score = Math.log(1 + topic.count);
  if (words > 1) score *= topic.count >= 2 ? 1.6 : 1.2;
  if (topic.isName) score *= 1.3;
  if (topic.isInHeading) score *= 1.25;
  if (topic.isPerson) score *= 0.4;
  if (words === 1 && !topic.isName && isEnglish) {
    score *= topic.key.length < 5 ? 0.55 : 0.75;
    // Never seen inside a sentence: likely a verb or a label that only looks like a noun.
    if (Math.max(...topic.forms.values()) < 1) score *= 0.5;
  }
  // A single common word in a great share of the sentences is the ground, not a topic of its own.
  if (words === 1 && !topic.isName && topic.count > sentenceCount * 0.5 && sentenceCount > 10) score *= 0.7;
  return score;
}

/** A word that mostly occurs inside a longer phrase gives its place to the phrase. */
function foldIntoLonger(ranked: readonly Topic[]): Topic[] {
  return ranked.filter(
    (topic) =>
      !ranked.some(
        (other) =>
          other.stems.length > topic.stems.length &&
          topic.stems.every((stem) => other.stems.includes(stem)) &&
          other.count >= Math.min(2, topic.count) &&
          other.count >= topic.count * (topic.isName ? 0.5 : 0.25),
      ),
  );
}

/** Drops a topic that shares most words with a weightier one. */
function withoutRepeats(ranked: readonly Topic[]): Topic[] {
  const kept: Topic[] = [];
  for (const topic of ranked) {
    const isRepeat = kept.some((other) => {
      const shared = topic.stems.filter((stem) => other.stems.includes(stem)).length;
      return shared > 0 && shared >= Math.min(topic.stems.length, other.stems.length);
    });
    if (!isRepeat) kept.push(topic);
  }
  return kept;
}

function formOf(topic: Topic, text: PreparedText): string {
  const [form = topic.key] =
    [...topic.forms].toSorted((left, right) => right[1] - left[1] || left[0].length - right[0].length)[0] ??
    [];
  const isSentenceCase = /^\p{Lu}[\p{Ll}\p{M}]+( |$)/u.test(form);
  const isOnlyAtStart = (topic.forms.get(form) ?? 0) < 1;
  const isPlain = !topic.isMaybeName && isSentenceCase && text.isEnglish && isOnlyAtStart;
  return isPlain ? form.toLowerCase() : form;
}

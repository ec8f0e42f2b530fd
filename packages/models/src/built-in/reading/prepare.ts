import { readBlocks } from "./blocks.ts";
import type { Block } from "./blocks.ts";
import { detectLanguage } from "./language.ts";
import type { PreparedText, Sentence, Word } from "./prepared-text.ts";
import { splitSentences } from "./sentences.ts";
import { splitByTokens } from "../../text/split-by-tokens.ts";
import { isUsableSentence } from "./usable-sentence.ts";
import { createEnglishWordReader } from "./words-english.ts";
import type { WordReader } from "./words-english.ts";
import { createNeutralWordReader } from "./words-neutral.ts";

let englishWords: WordReader | undefined;

/** Reads a text into sentences, words and headings. `language` is detected when it is not given. */
export function prepareText(text: string, title: string | null, language: string | null): PreparedText {
  const blocks = readBlocks(text);
  const detected = language ?? detectLanguage(blocks.map((block) => block.text).join("\n")).code;
  // Undetected means short or odd: English words are then the likeliest to help.
  const isEnglish = detected === "en" || (detected === null && isMostlyLatin(blocks));
  const readWords = isEnglish
    ? (englishWords ??= createEnglishWordReader())
    : createNeutralWordReader(detected);
  const headings = [
    title ?? "",
    ...blocks.filter((block) => block.kind === "heading").map((block) => block.text),
  ]
    .filter((heading) => heading !== "")
    .map((heading) => readWords(heading));
  const drafts = readSentences(blocks, isEnglish ? "en" : detected, readWords);
  const sentenceCounts = countTerms(drafts);
  const frequent = isEnglish ? new Set<string>() : tooFrequent(sentenceCounts, drafts.length);
  return {
    length: text.trim().length,
    language: detected,
    isEnglish,
    sentences: drafts.map((sentence) => ({
      ...sentence,
      terms: sentence.terms.filter((term) => !frequent.has(term)),
    })),
    headings,
    headingTerms: new Set(headings.flatMap((words) => contentTerms(words))),
    sentenceCounts,
  };
}

function readSentences(blocks: readonly Block[], language: string | null, readWords: WordReader): Sentence[] {
  const sentences: Sentence[] = [];
  let section = 0;
  for (const block of blocks) {
    if (block.kind === "heading") {
      section += 1;
      continue;
    }
    for (const [position, text] of splitSentences(block.text, language).flatMap(cutLong).entries()) {
      const words = readWords(text);
      sentences.push({
        text,
        index: sentences.length,
        section,
        kind: block.kind,
        isFirstOfBlock: position === 0,
        words,
        terms: contentTerms(words),
        isUsable: isUsableSentence(text, words),
      });
    }
  }
  return sentences;
}

// Beyond this a "sentence" is a transcript without full stops, a table or a dump. In pieces its words
// still count for topics and mood, and no single one takes long; none of them is quoted.
const longestSentence = 1000;

function cutLong(sentence: string): string[] {
  if (sentence.length <= longestSentence) return [sentence];
  return splitByTokens(sentence, { maxTokens: longestSentence / 4 }).map((piece) => piece.text.trim());
}

function contentTerms(words: readonly Word[]): string[] {
  const terms = words.filter(
    (word) => !word.isStopWord && /[\p{L}\p{N}]/u.test(word.value) && word.stem.length > 1,
  );
  return [...new Set(terms.map((word) => word.stem))];
}

function countTerms(sentences: readonly Sentence[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { terms } of sentences) {
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return counts;
}

/** In a language without a word list, what stands in a third of the sentences is a function word. */
function tooFrequent(counts: ReadonlyMap<string, number>, sentenceCount: number): Set<string> {
  if (sentenceCount < 8) return new Set();
  return new Set([...counts].filter(([, count]) => count > sentenceCount * 0.34).map(([term]) => term));
}

function isMostlyLatin(blocks: readonly Block[]): boolean {
  const sample = blocks
    .slice(0, 20)
    .map((block) => block.text)
    .join(" ")
    .slice(0, 2000);
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  return (sample.match(/\p{Script=Latin}/gu)?.length ?? 0) >= letters * 0.8;
}

import { readBlocks } from "./blocks.ts";
import type { Block } from "./blocks.ts";
import { detectLanguage } from "./language.ts";
import type { PreparedText, Sentence, Word } from "./prepared-text.ts";
import { splitSentences } from "./sentences.ts";
import { mostSentences, thinOut, withinReach } from "./within-reach.ts";
import { splitByTokens } from "../../text/split-by-tokens.ts";
import { isUsableSentence } from "./usable-sentence.ts";
import { createEnglishWordReader } from "./words-english.ts";
import type { WordReader } from "./words-english.ts";
import { createNeutralWordReader } from "./words-neutral.ts";

let englishWords: WordReader | undefined;

// Of a text that is nothing but headings, and of one that has no end.
const mostHeadings = 1000;
const longestHeading = 200;

/**
 * Reads a text into sentences, words and headings, within bounded time: very long texts are read in
 * samples. `language` is detected when it is not given.
 */
export function prepareText(text: string, title: string | null, language: string | null): PreparedText {
  const read = withinReach(text);
  const blocks = readBlocks(read);
  const detected = language ?? detectLanguage(sampleOf(blocks)).code;
  // Undetected means short or odd: English words are then the likeliest to help.
  const isEnglish = detected === "en" || (detected === null && isMostlyLatin(blocks));
  const readWords = isEnglish
    ? (englishWords ??= createEnglishWordReader())
    : createNeutralWordReader(detected);
  const titles = [
    title ?? "",
    ...blocks.filter((block) => block.kind === "heading").map((block) => block.text),
  ].filter((heading) => heading !== "");
  const headings = thinOut(titles, mostHeadings).map((heading) =>
    readWords(heading.slice(0, longestHeading)),
  );
  const all = findSentences(blocks, isEnglish ? "en" : detected);
  const kept = thinOut(all, mostSentences);
  const drafts = kept.map((found, index) => readSentence(found, index, readWords));
  const sentenceCounts = countTerms(drafts);
  const frequent = isEnglish ? new Set<string>() : tooFrequent(sentenceCounts, drafts.length);
  return {
    readWords,
    coverage: (read.length / Math.max(1, text.length)) * (kept.length / Math.max(1, all.length)),
    length: text.trim().length,
    language: detected,
    isEnglish,
    isMostlyItems: drafts.filter(({ kind }) => kind === "item").length > drafts.length / 2,
    sentences: drafts.map((sentence) => ({
      ...sentence,
      terms: sentence.terms.filter((term) => !frequent.has(term)),
    })),
    headings,
    headingTerms: new Set(headings.flatMap((words) => contentTerms(words))),
    sentenceCounts,
  };
}

type FoundSentence = Pick<Sentence, "text" | "section" | "isInDigest" | "kind" | "isFirstOfBlock">;

function findSentences(blocks: readonly Block[], language: string | null): FoundSentence[] {
  const found: FoundSentence[] = [];
  let section = 0;
  let isInDigest = false;
  for (const { kind, text: block } of blocks) {
    if (kind === "heading") {
      section += 1;
      isInDigest = digestHeading.test(block);
      continue;
    }
    for (const [position, text] of splitSentences(block, language).flatMap(cutLong).entries()) {
      found.push({ text, section, isInDigest, kind, isFirstOfBlock: position === 0 });
    }
  }
  return found;
}

function readSentence(found: FoundSentence, index: number, readWords: WordReader): Sentence {
  const words = readWords(found.text);
  return {
    ...found,
    index,
    words,
    terms: contentTerms(words),
    isUsable: isUsableSentence(found.text, words),
  };
}

const digestHeading =
  /^[\d.\s]*(abstract|(executive )?summary|conclusions?|key (points|findings)|in short|tl;?dr|zusammenfassung|fazit|résumé|conclusión|resumen|摘要|结论|总结)\b/iu;

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

/** Enough to tell a language by; the whole would be a second copy of the text. */
function sampleOf(blocks: readonly Block[]): string {
  const middle = Math.max(0, Math.floor(blocks.length / 2) - 100);
  return blocks
    .slice(middle, middle + 200)
    .map((block) => block.text.slice(0, 5000))
    .join("\n");
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

import { stopWordsOf } from "./stop-words.ts";
import type { Word } from "./prepared-text.ts";
import type { WordReader } from "./words-english.ts";

/** A reader of sentences in any language: words by Unicode's rules, endings cut where that helps matching. */
export function createNeutralWordReader(language: string | null): WordReader {
  const segmenter = new Intl.Segmenter(language ?? "und", { granularity: "word" });
  const stopWords = stopWordsOf(language);
  return (sentence) => {
    const words: Word[] = [];
    let isSpaced = true;
    for (const { segment, isWordLike } of segmenter.segment(sentence)) {
      if (isWordLike === true) words.push(toWord(segment, isSpaced, stopWords));
      else if (segment.trim() !== "") words.push(punctuation(segment, isSpaced));
      isSpaced = segment.trim() === "";
    }
    return words;
  };
}

function toWord(value: string, isSpaced: boolean, stopWords: ReadonlySet<string>): Word {
  const lower = value.toLowerCase();
  const isIdeographic = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(value);
  const isTooShort = isIdeographic ? value.length < 2 : value.length < 3;
  const isNumber = /^[\p{N}.,]+$/u.test(value);
  return {
    value,
    pos: null,
    stem: stemOf(lower, isIdeographic),
    isStopWord: isTooShort || isNumber || stopWords.has(lower),
    isSpaced,
  };
}

function punctuation(value: string, isSpaced: boolean): Word {
  return { value, pos: "PUNCT", stem: value, isStopWord: true, isSpaced };
}

/** Inflection is in the last letters: common endings go, as long as a stem of four letters stays. */
function stemOf(lower: string, isIdeographic: boolean): string {
  if (isIdeographic || lower.length <= 4) return lower;
  const stem = lower.replace(/(?:e[nrsm]|[aeo]s|[aeiouyns]|[аеиоуыэюяйьмхвіїє]{1,3})$/u, "");
  return stem.length < 4 ? lower.slice(0, 4) : stem;
}

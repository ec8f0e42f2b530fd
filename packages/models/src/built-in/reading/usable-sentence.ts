import type { Word } from "./prepared-text.ts";

/** Whether a sentence is whole, long enough and made of words: fit to be quoted by itself. */
export function isUsableSentence(text: string, words: readonly Word[]): boolean {
  if (text.length > 600 || !/[.!?…。！？।]["'”’»)\]」』]*$/.test(text)) return false;
  const isIdeographic = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text);
  if (isIdeographic) return text.length >= 8 && text.length <= 250;
  if (!/^["'“‘«([¿¡]*[\p{Lu}\p{Lo}\d]/u.test(text)) return false;
  const real = words.filter((word) => /[\p{L}\p{N}]/u.test(word.value));
  if (real.length < 5 || real.length > 65) return false;
  const letters = text.match(/[\p{L}\s]/gu)?.length ?? 0;
  if (letters < text.length * 0.78) return false;
  return hasVerb(words) && !isUnbalanced(text);
}

/** English sentences need a verb; other languages have no tagger and are trusted. */
function hasVerb(words: readonly Word[]): boolean {
  const isTagged = words.some((word) => word.pos !== null && word.pos !== "PUNCT");
  return !isTagged || words.some((word) => word.pos === "VERB" || word.pos === "AUX");
}

/** An opening quote or bracket without its end: half of a quotation. */
function isUnbalanced(text: string): boolean {
  const straight = text.match(/"/g)?.length ?? 0;
  return straight % 2 === 1 || count(text, "(") !== count(text, ")") || count(text, "“") !== count(text, "”");
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

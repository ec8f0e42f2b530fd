import { stemmer } from "stemmer";
import winkNLP from "wink-nlp";
import type { ItemToken } from "wink-nlp";
import model from "wink-eng-lite-web-model";
import type { Word } from "./prepared-text.ts";

export type WordReader = (sentence: string) => Word[];

/** Loads the English tagger (about 0.2 s and 66 MB) and gives a reader of sentences. */
export function createEnglishWordReader(): WordReader {
  const nlp = winkNLP(model, ["pos"]);
  // oxlint-disable-next-line typescript/unbound-method -- wink takes its accessors as values; they use no `this`
  const { pos, stopWordFlag, precedingSpaces } = nlp.its;
  return (sentence) => {
    const words: Word[] = [];
    nlp
      .readDoc(sentence)
      .tokens()
      .each((token: ItemToken) => {
        const value = token.out();
        words.push({
          value,
          pos: token.out(pos),
          stem: stemmer(value.toLowerCase()),
          isStopWord: token.out(stopWordFlag) === true,
          isSpaced: words.length === 0 || token.out(precedingSpaces) !== "",
        });
      });
    return words;
  };
}

/** A word of a sentence with what the English pipeline knows of it. */
export type Word = {
  readonly value: string;
  /** Universal part of speech; null in languages without a tagger. */
  readonly pos: string | null;
  readonly stem: string;
  readonly isStopWord: boolean;
  /** Whether white space or the sentence's start stands before it. */
  readonly isSpaced: boolean;
};

export type Sentence = {
  readonly text: string;
  /** Position among all sentences of the text. */
  readonly index: number;
  /** Number of the heading it stands under. */
  readonly section: number;
  /** Under a heading such as "Abstract" or "Conclusion", where authors say what matters. */
  readonly isInDigest: boolean;
  readonly kind: "prose" | "item";
  readonly isFirstOfBlock: boolean;
  readonly words: readonly Word[];
  /** Distinct content stems. */
  readonly terms: readonly string[];
  /** A whole sentence that makes sense by itself: fit for a summary. */
  readonly isUsable: boolean;
};

/** A text read once, for all parts of the analysis. */
export type PreparedText = {
  /** Reads other words, such as those of a question, as those of the text were read. */
  readonly readWords: (sentence: string) => Word[];
  /** The share of the text that was read, 0 to 1: less than 1 for very long ones. */
  readonly coverage: number;
  /** Characters of the text as it came, code and all. */
  readonly length: number;
  /** ISO 639-1; null when unknown. */
  readonly language: string | null;
  readonly isEnglish: boolean;
  /** Whether most sentences are list items, as in contracts: then they are its prose. */
  readonly isMostlyItems: boolean;
  readonly sentences: readonly Sentence[];
  /** Words of the title and the headings, in order. */
  readonly headings: ReadonlyArray<readonly Word[]>;
  /** Content stems of title and headings. */
  readonly headingTerms: ReadonlySet<string>;
  /** In how many sentences each stem occurs. */
  readonly sentenceCounts: ReadonlyMap<string, number>;
};

/** What a good analysis of a text must find. Written by people who read the text, before any run. */
export type EvaluationCase = {
  /** File below this folder. */
  readonly file: string;
  readonly title: string | null;
  /** ISO 639-1. */
  readonly language: string;
  /** The text's most important facts: a summary should give them, key points give most of all. */
  readonly facts: readonly RegExp[];
  /** Further facts that are worth a key point. */
  readonly points: readonly RegExp[];
  /** What must stand in no summary and no point: code, page furniture, glued headings. */
  readonly never: readonly RegExp[];
  /** Topics that must be named. */
  readonly topics: readonly RegExp[];
  /** Topics that are right too. */
  readonly alsoTopics: readonly RegExp[];
  /** `null`: must be said to be unavailable in this language. */
  readonly mood: "positive" | "negative" | "neutral" | "mixed" | null;
  readonly questions: readonly EvaluationQuestion[];
};

type EvaluationQuestion = {
  readonly question: string;
  /** The sentence that answers it; null when the text does not say. */
  readonly answer: RegExp | null;
};

import { eld } from "eld/small";

export type DetectedLanguage = {
  /** ISO 639-1, or null when the text does not tell. */
  readonly code: string | null;
  /** 0 to 1; null when unknown. */
  readonly confidence: number | null;
};

// Detection looks at letter groups: more text makes it slower, not surer.
const sampleCharacters = 4000;

/** The language of a text. Short or mixed texts give null rather than a guess. */
export function detectLanguage(text: string): DetectedLanguage {
  const letters = text
    .replace(/https?:\/\/\S+|[^\p{L}\p{M}\s'’]/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  const sample = middleOf(letters);
  const found = eld.detect(sample);
  const score = found.getScores()[found.language];
  const isLong =
    sample.length >= 25 || /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}]{5}/u.test(sample);
  if (found.language === "" || !isLong || !found.isReliable()) return { code: null, confidence: null };
  return { code: found.language, confidence: score === undefined ? null : Math.round(score * 100) / 100 };
}

/** The name of a language in English, such as `German`; the code itself when unknown. */
export function languageName(code: string): string {
  return new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
}

/** Beginnings hold titles and menus: a long text is judged by its middle. */
function middleOf(text: string): string {
  if (text.length <= sampleCharacters) return text;
  const start = Math.floor((text.length - sampleCharacters) / 2);
  return text.slice(start, start + sampleCharacters);
}

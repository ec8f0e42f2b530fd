/** Scripts that are written without spaces between words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * Puts spaces between the words of scripts that have none, so that PostgreSQL, which splits at
 * spaces, can index and find them. Other text is returned as it is.
 */
export function separateWords(text: string): string {
  return text.replace(
    unspaced,
    (run) => ` ${[...segmenter.segment(run)].map(({ segment }) => segment).join(" ")} `,
  );
}

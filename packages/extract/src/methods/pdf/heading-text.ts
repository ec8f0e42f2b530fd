/** Longer is a sentence. Headings that a file names as such may have the length that readers of texts allow. */
const longestHeading = 120;

const caption =
  /^(?:fig(?:ure|\.)?|table|tab\.|tabelle|abb(?:ildung|\.)?|tableau|tabla|figura|tabella|listing|algorithm|equation|exhibit|图|表|図)\s*[\p{N}.:]/iu;

/** Whether words could be a heading: not a number, a sentence, a caption, an address or a row of a list of contents. */
export function isHeadingText(text: string): boolean {
  if (text.length > longestHeading || /[\t|]|\.{4}|(?:\. ){3}|…{2}|@|https?:|www\./i.test(text)) return false;
  // The beginning of a sentence, or of a list item, is none.
  if (/^[\p{Ll}\u2022\u2023\u25AA\u25CF\u25E6\u2043\u2219\u00B7*#,;:)\]}=+-]/u.test(text)) return false;
  // Signs whose meaning only their font knows: bullets, and text that can't be read.
  if (/[\uE000-\uF8FF\uFFFD\u0001-\u0008\u000E-\u001F]/.test(text)) return false;
  if (/[.,:;\u3002\u2026\u00AD=-]$/.test(text) || caption.test(text)) return false;
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return letters >= 2 && letters >= text.replace(/\s/g, "").length * 0.6;
}

import type { ExtractionWarning } from "../extracted-text.ts";

// Everything below space except tab and line feed, plus DEL; none of them carries meaning in text.
const controlCharacters = new RegExp("[\\u0000-\\u0008\\u000B-\\u001F\\u007F\\uFEFF]", "g");

/**
 * Makes decoded text safe to store: LF line ends, no control characters, no lone surrogates, NFC.
 * Form feeds and vertical tabs count as line ends.
 */
export function sanitizeText(text: string): string {
  return text
    .replace(/\r\n?|[\f\v\u2028\u0085]/g, "\n")
    .replace(/\u2029/g, "\n\n")
    .replace(controlCharacters, "")
    .toWellFormed()
    .normalize("NFC");
}

/** Tidies text assembled from a layout: no blanks at line ends, at most one empty line in a row. */
export function tidyLines(text: string): string {
  // trimEnd per line, because /[ ]+$/ is quadratic on a line of a million blanks.
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
}

/** A title in one line of at most 255 characters, or null when nothing readable remains. */
export function sanitizeTitle(title: string | null | undefined): string | null {
  if (title === null || title === undefined) return null;
  const line = sanitizeText(title.slice(0, 4096)).replace(/\s+/g, " ").trim();
  // Cut by characters, not by UTF-16 units: half an emoji is not storable.
  const short = line.length > 255 ? [...line].slice(0, 250).join("").slice(0, 255).toWellFormed() : line;
  return /[\p{L}\p{N}]/u.test(short) ? short : null;
}

/** Letters and digits: what counts as yield when two readings of one file are compared. */
export function countLetters(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) count += match[0].length;
  return count;
}

export function nulBytesRemoved(count: number): ExtractionWarning {
  return {
    code: "nul_bytes_removed",
    message: `${count} NUL bytes were removed: they are not text and can't be stored.`,
  };
}

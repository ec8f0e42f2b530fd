import { cleanText, hasVisibleText } from "@millrace/kernel";
import { textEmpty, textTooLong } from "./errors.ts";

/** As many characters as the extraction of a file gives at most. */
export const maxTextCharacters = 20_000_000;

/** Pasted text, cleaned. Throws `text_empty` or `text_too_long`. */
export function cleanPastedText(text: string): string {
  if (text.length > maxTextCharacters) throw textTooLong(text.length, maxTextCharacters);
  const clean = cleanText(text);
  if (!hasVisibleText(clean)) throw textEmpty();
  return clean;
}

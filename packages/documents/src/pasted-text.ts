import { textEmpty, textTooLong } from "./errors.ts";

/** As many characters as the extraction of a file gives at most. */
export const maxTextCharacters = 20_000_000;

/**
 * Pasted text as every database and model takes it: NFC, LF line ends, no NUL and no lone
 * surrogates. Throws `text_empty` or `text_too_long`.
 */
export function cleanPastedText(text: string): string {
  if (text.length > maxTextCharacters) throw textTooLong(text.length, maxTextCharacters);
  const clean = text.toWellFormed().replaceAll("\u0000", "").replace(/\r\n?/g, "\n").normalize("NFC");
  if (!/[^\s\p{Cf}]/u.test(clean)) throw textEmpty();
  return clean;
}

/** A title for text that came without one: its first line, shortened at a word. */
export function titleOf(text: string): string {
  const line = text.split("\n").find((candidate) => candidate.trim() !== "") ?? "Untitled";
  const plain = line.replace(/^[#>*\-\s]+/, "").trim() || "Untitled";
  if (plain.length <= 80) return plain;
  const cut = plain.slice(0, 80).toWellFormed();
  const atWord = cut.lastIndexOf(" ");
  return `${atWord > 40 ? cut.slice(0, atWord) : cut}…`;
}

/** Controls, and marks that change the direction of what follows. */
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text from documents as a terminal may show it: without escape sequences, which could move the
 * cursor or worse, and on one line.
 */
export function printableLine(text: string): string {
  return text.replace(/\s+/gu, " ").replace(unsafe, "").trim();
}

/** The same, with line breaks kept. */
export function printableText(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/u)
    .map((line) => line.replaceAll("\t", "    ").replace(unsafe, "").trimEnd())
    .join("\n");
}

/** A piece of a text that comes bit by bit: its line breaks and spaces are kept as they are. */
export function printablePiece(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(unsafe, ""))
    .join("\n");
}

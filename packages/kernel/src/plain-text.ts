/** Text as every database and model takes it: NFC, LF line ends, no NUL and no lone surrogates. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "").replace(/\r\n?/g, "\n").normalize("NFC");
}

/** Whether a text has a character that can be seen. */
export function hasVisibleText(text: string): boolean {
  return /[^\s\p{Cf}]/u.test(text);
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

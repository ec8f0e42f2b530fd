import type { Recognised } from "./recognise-page.ts";

const columns = { level: 0, block: 2, paragraph: 3, line: 4, confidence: 10, text: 11 } as const;
const wordLevel = "5";

/**
 * Text out of the table of words that `tesseract … tsv` prints: lines as they stand, an empty line between
 * paragraphs. The confidence is the mean of the words'.
 */
export function readWords(table: string): Recognised {
  const words = table
    .split("\n")
    .map((row) => row.split("\t"))
    .filter((cells) => cells[columns.level] === wordLevel && cells[columns.text]?.trim() !== "");
  let text = "";
  let before: readonly string[] | undefined;
  for (const word of words) {
    text += separator(before, word) + (word[columns.text] ?? "").trim();
    before = word;
  }
  const sum = words.reduce((total, word) => total + Number(word[columns.confidence]), 0);
  return { text, confidence: words.length === 0 ? 0 : sum / words.length };
}

function separator(before: readonly string[] | undefined, word: readonly string[]): string {
  if (before === undefined) return "";
  const isSame = (column: number): boolean => before[column] === word[column];
  if (!isSame(columns.block) || !isSame(columns.paragraph)) return "\n\n";
  return isSame(columns.line) ? " " : "\n";
}

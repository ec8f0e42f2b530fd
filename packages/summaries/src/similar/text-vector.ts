import { splitByTokens } from "@millrace/models";
import type { EmbedResult, Models } from "@millrace/models";
import { comparableText } from "./comparable-text.ts";

/** Read whole by every embedding model. */
const pieceTokens = 400;
/** Some 160,000 characters. What is longer is too costly to read only to compare it. */
const mostPieces = 100;

/** The vector of a whole text, of length 1; undefined for one that is too long to be compared. */
export async function vectorOf(
  models: Pick<Models, "embed">,
  text: string,
  request: Omit<Parameters<Models["embed"]>[0], "texts">,
): Promise<{ readonly vector: number[]; readonly embedded: EmbedResult } | undefined> {
  // A text without a blank still has some tokens for each of its characters.
  if (text.length > mostPieces * pieceTokens * 10) return undefined;
  const pieces = splitByTokens(comparableText(text), { maxTokens: pieceTokens });
  if (pieces.length === 0 || pieces.length > mostPieces) return undefined;
  const embedded = await models.embed({ ...request, texts: pieces.map((piece) => piece.text) });
  const sums = Array.from({ length: embedded.dimensions }, (_none, at) =>
    embedded.vectors.reduce((sum, vector) => sum + (vector[at] ?? 0), 0),
  );
  const length = Math.hypot(...sums);
  return length > 0 ? { vector: sums.map((sum) => sum / length), embedded } : undefined;
}

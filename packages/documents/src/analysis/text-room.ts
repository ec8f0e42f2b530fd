import { estimateTokens } from "@millrace/models";
import type { Models } from "@millrace/models";

/** How much of a text one call takes, and how much the model may write, in tokens. */
export type TextRoom = { readonly textTokens: number; readonly answerTokens: number | undefined };

// Reading a megabyte takes the built-in model some seconds and some 200 MB; longer texts go in stretches.
const builtInStretchTokens = 250_000;
// Estimates are a little low for code and tables: what is planned must fit all the same.
const safety = 0.85;
// Instructions, the schema in words, the markers around the text.
const instructionTokens = 600;
const mostAnswerTokens = 4096;

/** The room that the chosen chat model leaves for text. */
export function roomOf(models: Models): TextRoom {
  const context = models.chat.contextTokens;
  if (context === null) return { textTokens: builtInStretchTokens, answerTokens: undefined };
  const answerTokens = Math.min(mostAnswerTokens, Math.floor(context / 4));
  return { textTokens: Math.floor((context - answerTokens - instructionTokens) * safety), answerTokens };
}

/** Puts texts together in order, as many as fit, but never fewer than two: each level must get shorter. */
export function groupByRoom<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
  room: TextRoom,
): Item[][] {
  const groups: Item[][] = [];
  let tokens = 0;
  for (const item of items) {
    const cost = estimateTokens(textOf(item)) + 2;
    const open = groups.at(-1);
    if (open !== undefined && (open.length < 2 || tokens + cost <= room.textTokens)) {
      open.push(item);
      tokens += cost;
    } else {
      groups.push([item]);
      tokens = cost;
    }
  }
  return groups;
}

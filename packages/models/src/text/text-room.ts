import type { Models } from "../models.ts";
import { estimateTokens } from "./estimate-tokens.ts";
import type { StructureSplitOptions } from "./split-by-structure.ts";

/** How much of a text one call takes, and how much the model may write, in tokens. */
export type TextRoom = {
  readonly textTokens: number;
  readonly answerTokens: number | undefined;
  /** How a text that is longer is cut. */
  readonly stretch: StructureSplitOptions;
};

// Reading a megabyte takes the built-in model some seconds and some 200 MB; longer texts go in stretches.
const builtInStretchTokens = 250_000;
// Estimates are a little low for code and tables: what is planned must fit all the same.
const safety = 0.85;
// Instructions, the schema in words, the markers around the text.
const instructionTokens = 600;
const mostAnswerTokens = 4096;
// Longer stretches are summarised more coarsely, and a lost answer costs more; shorter ones cost more calls.
const mostStretchTokens = 3000;

/** The room that a chat model leaves for text. */
export function roomOf({ contextTokens: context }: Models["chat"]): TextRoom {
  if (context === null) {
    return roomFor(builtInStretchTokens, undefined, builtInStretchTokens);
  }
  const answerTokens = Math.min(mostAnswerTokens, Math.floor(context / 4));
  const textTokens = Math.floor((context - answerTokens - instructionTokens) * safety);
  return roomFor(textTokens, answerTokens, Math.min(mostStretchTokens, textTokens));
}

function roomFor(textTokens: number, answerTokens: number | undefined, maxTokens: number): TextRoom {
  return { textTokens, answerTokens, stretch: { maxTokens, minTokens: Math.floor(maxTokens / 2) } };
}

/** Puts texts together in order, as many as fit, but never fewer than two: each level must get shorter. */
export function groupByRoom<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
  room: Pick<TextRoom, "textTokens">,
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

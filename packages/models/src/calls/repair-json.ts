import { jsonrepair } from "jsonrepair";

/** The time that a repair takes may grow with the square: this much takes a third of a second at worst, ten times as much half a minute. */
const longestCharacters = 32_768;

/** JSON out of what is nearly that: quotes, commas, missing brackets. Throws where it can't be, and for long texts. */
export function repairJson(text: string): string {
  if (text.length > longestCharacters) throw new RangeError("the text is too long to be repaired");
  return jsonrepair(text);
}

import { addKnown } from "../guard/call-tokens.ts";

/** Tokens that calls used; null where the server does not say. */
export type Usage = { readonly inputTokens: number | null; readonly outputTokens: number | null };

/** The tokens of two calls together; unknown when one of them is. */
export function addUsage(left: Usage, right: Usage): Usage {
  return {
    inputTokens: addKnown(left.inputTokens, right.inputTokens),
    outputTokens: addKnown(left.outputTokens, right.outputTokens),
  };
}

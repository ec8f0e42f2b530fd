import type { CallTokens } from "../ports.ts";
import type { Prices } from "./prices.ts";

const perMillion = 1e6;

/** What a call cost in US dollars, tokens from the server's cache at their own price; null when price or tokens are unknown. */
export function costOf(prices: Prices, endpoint: string, tokens: CallTokens): number | null {
  const price = prices.find(endpoint);
  if (price === undefined || tokens.input === null) return null;
  if (tokens.output === null && price.output > 0) return null;
  const cached = tokens.cachedInput ?? 0;
  return (
    ((tokens.input - cached) * price.input +
      cached * (price.cached_input ?? price.input) +
      (tokens.output ?? 0) * price.output) /
    perMillion
  );
}

/** At most what a call may cost; null when the price is unknown. */
export function mostCostOf(
  prices: Prices,
  endpoint: string,
  tokens: { readonly inputTokens: number; readonly outputTokens: number },
): number | null {
  return costOf(prices, endpoint, {
    input: tokens.inputTokens,
    output: tokens.outputTokens,
    cachedInput: null,
  });
}

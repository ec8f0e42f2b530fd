import { errorCode, isMillraceError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { Endpoint } from "./endpoint.ts";

/** What a model may fail with that another one may do better. The rest is the caller's own to mend. */
const passedOn: ReadonlySet<string> = new Set([
  "model_unreachable",
  "model_timeout",
  "model_overloaded",
  "model_unavailable",
  "model_rate_limited",
  "model_stopped_early",
  "model_stream_failed",
  "model_response_too_large",
  "model_bad_output",
  "model_unauthorized",
  "model_not_found",
  "model_context_exceeded",
]);

type Failure = { readonly endpoint: Endpoint; readonly error: unknown };

/**
 * Asks one model after the other until one answers. When none does, throws what the first failed with, or
 * rather what passes by itself where one of them said so.
 */
export async function firstThatAnswers<Chat extends { readonly endpoint: Endpoint }, T>(
  chats: readonly Chat[],
  options: {
    readonly purpose: string;
    readonly signal: AbortSignal | undefined;
    readonly logger: Logger;
  },
  ask: (chat: Chat) => Promise<T>,
): Promise<T> {
  const { purpose, signal, logger } = options;
  const failures: Failure[] = [];
  for (const chat of chats) {
    const { endpoint } = chat;
    if (!isWorthAsking(endpoint, failures)) continue;
    try {
      return await ask(chat);
    } catch (error) {
      const code = errorCode(error);
      if (signal?.aborted === true || !passedOn.has(code)) throw error;
      failures.push({ endpoint, error });
      if (chats.length > 1) logger.warn({ purpose, model: endpoint.name, code }, "a model can't serve now");
    }
  }
  const errors = failures.map(({ error }) => error);
  throw errors.find((error) => isMillraceError(error) && error.retryable) ?? errors[0];
}

/** Whether another model may do what this one failed at. */
export function mayTurnTo(endpoint: Endpoint, failure: Failure): boolean {
  return passedOn.has(errorCode(failure.error)) && isWorthAsking(endpoint, [failure]);
}

function isWorthAsking(endpoint: Endpoint, failures: readonly Failure[]): boolean {
  if (failures.length === 0) return true;
  const codes = failures.map(({ error }) => errorCode(error));
  // Who is only told to wait gets a written answer later rather than an extract now.
  if (endpoint.builtIn && codes.includes("model_rate_limited")) return false;
  return failures.every(
    ({ endpoint: failed, error }) =>
      errorCode(error) !== "model_context_exceeded" || readsMore(endpoint, failed),
  );
}

function readsMore(endpoint: Endpoint, than: Endpoint): boolean {
  if (endpoint.builtIn || endpoint.contextTokens === null) return true;
  return than.contextTokens !== null && endpoint.contextTokens > than.contextTokens;
}

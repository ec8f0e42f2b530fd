import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import type { Logger } from "@millrace/kernel";
import { modelErrors } from "../errors.ts";
import { addKnown, readCount } from "../guard/call-tokens.ts";
import type { Endpoint } from "../guard/endpoint.ts";
import type { Guard } from "../guard/guard.ts";
import type { CallOrigin, CallTokens } from "../ports.ts";
import { estimateTokens } from "../text/estimate-tokens.ts";
import { traceHeaders } from "./trace-headers.ts";

// One failed request loses its whole batch, so batches stay small; every provider takes this many.
const embeddingBatch = 64;

type EmbedCalls = {
  readonly endpoint: Endpoint;
  /** Whether the server is told the job and the step, as with chat. */
  readonly isTraced: boolean;
  readonly load: () => Promise<EmbeddingModelV4>;
  readonly guard: Guard;
  readonly logger: Logger;
};

/**
 * Embeds texts in batches of 64, one guarded request after the other; the order is kept. Every vector has the same
 * number of dimensions, `dimensions` where it is known, and finite numbers, or it is `embedding_mismatch`.
 */
export async function embedTexts(
  calls: EmbedCalls,
  request: {
    readonly texts: readonly string[];
    readonly purpose: string;
    readonly origin: CallOrigin;
    readonly signal: AbortSignal | undefined;
  },
  knownDimensions: number | null,
): Promise<{
  readonly vectors: number[][];
  readonly dimensions: number | null;
  readonly tokens: number | null;
  readonly cost: number | null;
}> {
  const vectors: number[][] = [];
  let tokens: number | null = 0;
  let cost: number | null = 0;
  let dimensions = knownDimensions;
  for (let start = 0; start < request.texts.length; start += embeddingBatch) {
    const texts = request.texts.slice(start, start + embeddingBatch);
    // Each batch is paid: of one step the ledger counts one charge.
    const origin = start === 0 ? request.origin : batchOrigin(request.origin, start);
    const batch = await embedBatch(calls, { ...request, origin, texts }, dimensions);
    vectors.push(...batch.vectors);
    tokens = addKnown(tokens, batch.tokens.input);
    cost = addKnown(cost, batch.cost);
    dimensions = batch.vectors[0]?.length ?? dimensions;
  }
  return { vectors, dimensions, tokens, cost };
}

function batchOrigin(origin: CallOrigin, start: number): CallOrigin {
  return origin.step === undefined ? origin : { ...origin, step: `${origin.step}#${start}` };
}

async function embedBatch(
  { endpoint, isTraced, load, guard, logger }: EmbedCalls,
  request: Parameters<typeof embedTexts>[1],
  dimensions: number | null,
): Promise<{
  readonly vectors: number[][];
  readonly tokens: CallTokens;
  readonly cost: number | null;
}> {
  const { texts, purpose, origin, signal } = request;
  const model = await load();
  const inputTokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
  const about = { purpose, origin, prompt: null, signal, inputTokens, outputTokens: 0 };
  const { sent, cost } = await guard.call(endpoint, about, async (_deadlines, abortSignal) => {
    const headers = isTraced ? { headers: traceHeaders(request) } : {};
    const { embeddings, usage } = await model.doEmbed({ values: [...texts], abortSignal, ...headers });
    const onOdd = (field: string) =>
      logger.warn({ model: endpoint.name, field }, "the model's server counts tokens that can't be right");
    const input = readCount("input", usage?.tokens, onOdd);
    const tokens: CallTokens = { input, output: input === null ? null : 0, cachedInput: null };
    const failure = mismatchOf(embeddings, { count: texts.length, dimensions, model: endpoint.name });
    return { vectors: embeddings, tokens, ...(failure === undefined ? {} : { failure }) };
  });
  return { ...sent, cost };
}

/** A vector of another length, or with something that is no number, would make everything beside it unfindable. */
function mismatchOf(
  vectors: readonly number[][],
  expected: { readonly count: number; readonly dimensions: number | null; readonly model: string },
): Error | undefined {
  const dimensions = vectors[0]?.length ?? 0;
  const isSound =
    vectors.length === expected.count &&
    dimensions === (expected.dimensions ?? dimensions) &&
    dimensions > 0 &&
    vectors.every((vector) => vector.length === dimensions && vector.every(Number.isFinite));
  if (isSound) return undefined;
  const { model, count } = expected;
  const details = { vectors: vectors.length, count, dimensions, expected: expected.dimensions };
  return modelErrors.embeddingMismatch({ model, details });
}

import { toError } from "@millrace/kernel";
import type { Clock } from "@millrace/kernel";
import { embedMany } from "ai";
import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import { modelErrors } from "../errors.ts";
import { toModelError } from "./provider-errors.ts";

// One failed request loses its whole batch, so batches stay small; every provider takes this many.
export const embeddingBatch = 64;

export type EmbeddedBatch = { readonly vectors: number[][]; readonly tokens: number | null };

/** Embeds at most 64 texts in one guarded request; the order is kept. */
export async function embedBatch(options: {
  readonly model: EmbeddingModelV4;
  readonly modelName: string;
  readonly texts: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}): Promise<EmbeddedBatch> {
  const { model, modelName, texts, timeoutMs, signal, clock } = options;
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const result = await embedMany({
      model,
      values: [...texts],
      maxRetries: 0,
      abortSignal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    assertVectors(result.embeddings, texts.length, modelName);
    const { tokens } = result.usage;
    return { vectors: result.embeddings, tokens: Number.isFinite(tokens) ? tokens : null };
  } catch (thrown) {
    if (signal?.aborted === true) throw toError(signal.reason);
    if (deadline.aborted) throw modelErrors.timedOut({ model: modelName, timeoutMs, cause: thrown });
    throw toModelError(thrown, modelName, clock.now());
  }
}

function assertVectors(vectors: readonly number[][], count: number, model: string): void {
  const dimensions = vectors[0]?.length ?? 0;
  const isSound =
    vectors.length === count &&
    dimensions > 0 &&
    vectors.every((vector) => vector.length === dimensions && vector.every(Number.isFinite));
  if (!isSound)
    throw modelErrors.embeddingMismatch({ model, details: { vectors: vectors.length, count, dimensions } });
}

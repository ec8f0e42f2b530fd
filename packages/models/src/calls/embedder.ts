import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import type { Clock, Logger } from "@millrace/kernel";
import { createBuiltInEmbeddingModel } from "../built-in/embedding-model.ts";
import { hashedDimensions } from "../built-in/hashed-vector.ts";
import type { BuiltInThread } from "../built-in/thread/thread.ts";
import { modelErrors } from "../errors.ts";
import { Endpoint } from "../guard/endpoint.ts";
import type { Guard } from "../guard/guard.ts";
import { choiceName } from "../model-choice.ts";
import type { EmbeddingChoice } from "../model-choice.ts";
import type { EmbedResult, Models } from "../models.ts";
import { loadEmbeddingModel } from "../providers/embedding.ts";
import type { ModelSettings } from "../settings.ts";
import { embedTexts } from "./embed.ts";

export type EmbedderParts = {
  readonly settings: ModelSettings;
  readonly thread: BuiltInThread;
  readonly guard: Guard;
  readonly logger: Logger;
  readonly clock: Clock;
};

/** One embedding model as this process calls it; loaded at the first call. */
export class Embedder {
  readonly endpoint: Endpoint;
  readonly #choice: EmbeddingChoice;
  readonly #parts: EmbedderParts;
  #dimensions: number | null;
  #model: Promise<EmbeddingModelV4> | undefined;

  constructor(choice: EmbeddingChoice, parts: EmbedderParts) {
    const builtIn = choice.provider === "builtin";
    this.#choice = choice;
    this.#parts = parts;
    this.#dimensions = builtIn ? hashedDimensions : null;
    this.endpoint = new Endpoint({
      ...{ name: choiceName(choice), kind: "embedding", builtIn, contextTokens: null, clock: parts.clock },
      concurrency: parts.settings.MODEL_CONCURRENCY,
    });
  }

  /** Null until the first vectors came. */
  get dimensions(): number | null {
    return this.#dimensions;
  }

  async embed(request: Parameters<Models["embed"]>[0]): Promise<EmbedResult> {
    const { texts, purpose = "embedding", origin = { owner: null }, signal } = request;
    if (texts.some((text) => text.trim() === "")) throw modelErrors.blankText();
    const calls = {
      endpoint: this.endpoint,
      isTraced: this.#choice.provider === "openai-compatible",
      guard: this.#parts.guard,
      logger: this.#parts.logger,
      load: () => (this.#model ??= this.#load()),
    };
    const asked = { texts, purpose, origin, signal };
    const { vectors, dimensions, tokens, cost } = await embedTexts(calls, asked, this.#dimensions);
    const { name: model } = this.endpoint;
    // Two first calls at once may differ: the one that ends first decides.
    if (this.#dimensions !== null && dimensions !== this.#dimensions) {
      throw modelErrors.embeddingMismatch({ model, details: { expected: this.#dimensions, dimensions } });
    }
    this.#dimensions = dimensions;
    return { vectors, model, dimensions: dimensions ?? 0, usage: { inputTokens: tokens }, cost };
  }

  async #load(): Promise<EmbeddingModelV4> {
    const { thread, settings } = this.#parts;
    return this.#choice.provider === "builtin"
      ? createBuiltInEmbeddingModel(thread, settings.MODEL_TIMEOUT_MS)
      : loadEmbeddingModel(this.#choice, settings);
  }
}

import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import { builtInEmbeddingModel } from "../model-choice.ts";
import { hashedVector } from "./hashed-vector.ts";
import type { BuiltInThread } from "./thread/thread.ts";

// About a millisecond of work: not worth waiting behind a long analysis in the thread.
const inlineCharacters = 8000;

/** The built-in embedding model: hashed words and letter groups, for near duplicates in any script. */
export function createBuiltInEmbeddingModel(thread: BuiltInThread, timeoutMs: number): EmbeddingModelV4 {
  return {
    specificationVersion: "v4",
    provider: "builtin",
    modelId: builtInEmbeddingModel,
    maxEmbeddingsPerCall: 64,
    supportsParallelCalls: false,
    doEmbed: async ({ values, abortSignal }) => {
      const characters = values.reduce((sum, value) => sum + value.length, 0);
      const embeddings =
        characters <= inlineCharacters
          ? values.map(hashedVector)
          : await thread.ask("embed", { texts: values }, { timeoutMs, signal: abortSignal });
      return { embeddings, warnings: [] };
    },
  };
}

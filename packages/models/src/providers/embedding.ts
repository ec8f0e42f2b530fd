import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import { createGuardedFetch } from "../calls/guarded-fetch.ts";
import { choiceName } from "../model-choice.ts";
import type { EmbeddingChoice } from "../model-choice.ts";
import type { ModelSettings } from "../settings.ts";

type RemoteChoice = Exclude<EmbeddingChoice, { readonly provider: "builtin" }>;

/** Loads the provider of an embedding choice and gives its model. */
export async function loadEmbeddingModel(
  choice: RemoteChoice,
  settings: ModelSettings,
): Promise<EmbeddingModelV4> {
  if (choice.provider === "own") return choice.own;
  const fetch = createGuardedFetch({
    model: choiceName(choice),
    idleTimeoutMs: settings.MODEL_IDLE_TIMEOUT_MS,
  });
  if (choice.provider === "gemini") {
    const { createGoogle } = await import("@ai-sdk/google");
    return createGoogle({ apiKey: choice.apiKey, fetch }).embeddingModel(choice.model);
  }
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const provider = createOpenAICompatible({
    name: "compatible",
    baseURL: choice.url,
    fetch,
    ...(choice.apiKey === undefined ? {} : { apiKey: choice.apiKey }),
  });
  return provider.embeddingModel(choice.model);
}

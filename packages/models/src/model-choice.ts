import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { PriceOverrides } from "./prices/prices.ts";

/**
 * Models that a program brings along, of any provider of the AI SDK (specification 4). `chat` and `embedding` go
 * before those of the settings.
 */
export type OwnModels = {
  readonly chat?: LanguageModelV4;
  readonly embedding?: EmbeddingModelV4;
  /** More chat models, for `purposes` and CHAT_FALLBACK: `provider:modelId` names them. */
  readonly endpoints?: readonly LanguageModelV4[];
  /**
   * The models of a purpose in order, such as `{ "document.*": ["openai-compatible:gemma3", "builtin"] }`. An exact
   * name goes before the longest beginning. Default: the chat model, then those of CHAT_FALLBACK.
   */
  readonly purposes?: Readonly<Record<string, readonly string[]>>;
  /** Prices by the name of a model, in US dollars per million tokens. */
  readonly prices?: PriceOverrides;
};

type OwnChoice<Model> = { readonly provider: "own"; readonly model: string; readonly own: Model };

/** Which chat model is meant, with all its provider needs. */
export type ChatChoice =
  | OwnChoice<LanguageModelV4>
  | {
      readonly provider: "openai-compatible" | "openai";
      readonly url: string;
      readonly model: string;
      readonly apiKey: string | undefined;
    }
  | { readonly provider: "gemini" | "anthropic"; readonly model: string; readonly apiKey: string }
  | { readonly provider: "builtin"; readonly model: string };

/** Which embedding model is meant. */
export type EmbeddingChoice =
  | OwnChoice<EmbeddingModelV4>
  | Exclude<ChatChoice, { readonly provider: "own" | "gemini" | "anthropic" }>
  | GeminiChoice;
type GeminiChoice = { readonly provider: "gemini"; readonly model: string; readonly apiKey: string };

export const builtInChatModel = "extractive-1";
export const builtInEmbeddingModel = "hashed-1";

export const openAiUrl = "https://api.openai.com/v1";

export function ownChoice<Model extends LanguageModelV4 | EmbeddingModelV4>(own: Model): OwnChoice<Model> {
  return { provider: "own", model: `${own.provider}:${own.modelId}`, own };
}

/** The public name of a choice, such as `openai-compatible:gemma3`. */
export function choiceName(choice: { readonly provider: string; readonly model: string }): string {
  return choice.provider === "own" ? choice.model : `${choice.provider}:${choice.model}`;
}

export function isOpenAi(url: string): boolean {
  return new URL(url).hostname === "api.openai.com";
}

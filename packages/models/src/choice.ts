import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import { MillraceError } from "@millrace/kernel";
import type { ErrorItem } from "@millrace/kernel";
import type { ModelSettings } from "./settings.ts";

/**
 * Models that a program brings along, of any provider of the AI SDK (specification 4). They go before those of
 * the settings.
 */
export type OwnModels = { readonly chat?: LanguageModelV4; readonly embedding?: EmbeddingModelV4 };

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

const openAiUrl = "https://api.openai.com/v1";

/** The chosen models, and what a person should know of the choice. Throws `invalid_settings`. */
export function chooseModels(
  settings: ModelSettings,
  own: OwnModels = {},
): {
  readonly chat: ChatChoice;
  readonly embedding: EmbeddingChoice;
  readonly notices: readonly string[];
} {
  assertPairs(settings);
  const chat = own.chat === undefined ? chooseChat(settings) : ownChoice(own.chat);
  const embedding = own.embedding === undefined ? chooseEmbedding(settings) : ownChoice(own.embedding);
  return { chat, embedding, notices: noticesFor(chat, embedding) };
}

function ownChoice<Model extends LanguageModelV4 | EmbeddingModelV4>(own: Model): OwnChoice<Model> {
  return { provider: "own", model: `${own.provider}:${own.modelId}`, own };
}

/** The public name of a choice, such as `openai-compatible:gemma3`. */
export function choiceName(choice: { readonly provider: string; readonly model: string }): string {
  return choice.provider === "own" ? choice.model : `${choice.provider}:${choice.model}`;
}

function chooseChat(settings: ModelSettings): ChatChoice {
  const { CHAT_URL: url, CHAT_MODEL: model, OPENAI_API_KEY: apiKey } = settings;
  if (url !== undefined && model !== undefined) {
    return { provider: isOpenAi(url) ? "openai" : "openai-compatible", url, model, apiKey };
  }
  if (settings.GEMINI_API_KEY !== undefined) {
    return { provider: "gemini", model: settings.GEMINI_MODEL, apiKey: settings.GEMINI_API_KEY };
  }
  if (settings.ANTHROPIC_API_KEY !== undefined) {
    return { provider: "anthropic", model: settings.ANTHROPIC_MODEL, apiKey: settings.ANTHROPIC_API_KEY };
  }
  if (apiKey !== undefined)
    return { provider: "openai", url: openAiUrl, model: settings.OPENAI_MODEL, apiKey };
  return { provider: "builtin", model: builtInChatModel };
}

function chooseEmbedding(settings: ModelSettings): EmbeddingChoice {
  const { EMBEDDING_URL: url, EMBEDDING_MODEL: model, OPENAI_API_KEY: key } = settings;
  if (url !== undefined && model !== undefined) {
    const apiKey = settings.EMBEDDING_API_KEY ?? key;
    return { provider: isOpenAi(url) ? "openai" : "openai-compatible", url, model, apiKey };
  }
  if (settings.GEMINI_API_KEY !== undefined) {
    return { provider: "gemini", model: settings.GEMINI_EMBEDDING_MODEL, apiKey: settings.GEMINI_API_KEY };
  }
  // With a CHAT_URL elsewhere the key is that server's, and texts meant for it must not go to OpenAI.
  const isKeyOfOpenAi = settings.CHAT_URL === undefined || isOpenAi(settings.CHAT_URL);
  if (key !== undefined && isKeyOfOpenAi) {
    return { provider: "openai", url: openAiUrl, model: settings.OPENAI_EMBEDDING_MODEL, apiKey: key };
  }
  return { provider: "builtin", model: builtInEmbeddingModel };
}

function isOpenAi(url: string): boolean {
  return new URL(url).hostname === "api.openai.com";
}

/** Settings that only make sense together, of which one is missing. */
export function checkModelSettings(
  given: Readonly<Partial<Record<keyof ModelSettings, unknown>>>,
): ErrorItem[] {
  const items: ErrorItem[] = [];
  const require = (present: keyof ModelSettings, missing: keyof ModelSettings, what: string) => {
    if (given[present] === undefined || given[missing] !== undefined) return;
    const message = `${present} is set: also set ${missing}, ${what}.`;
    items.push({ pointer: missing, code: "missing", message });
  };
  require("CHAT_URL", "CHAT_MODEL", "the name of a model on that server");
  require("CHAT_MODEL", "CHAT_URL", "the address of the server that has the model");
  require("EMBEDDING_URL", "EMBEDDING_MODEL", "the name of a model on that server");
  require("EMBEDDING_MODEL", "EMBEDDING_URL", "the address of the server that has the model");
  return items;
}

function assertPairs(settings: ModelSettings): void {
  const items = checkModelSettings(settings);
  if (items.length === 0) return;
  throw new MillraceError({
    code: "invalid_settings",
    kind: "invalid",
    message: `Some model settings don't fit together:\n${items.map((item) => `  ${item.pointer}: ${item.message}`).join("\n")}\nCorrect them in the environment or in .env and start again.`,
    items,
  });
}

function noticesFor(chat: ChatChoice, embedding: EmbeddingChoice): string[] {
  if (chat.provider === "builtin") {
    return [
      "No chat model is set up: the built-in model takes its answers word for word out of the text. Set CHAT_URL and CHAT_MODEL, or a key of a provider, for written answers.",
    ];
  }
  if (embedding.provider === "builtin") {
    return [
      "Chat has a model, embeddings have none: the built-in embeddings find near duplicates, not meaning. Set EMBEDDING_URL and EMBEDDING_MODEL.",
    ];
  }
  return [];
}

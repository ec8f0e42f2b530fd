import { builtInEmbeddingModel, isOpenAi, openAiUrl } from "./model-choice.ts";
import type { EmbeddingChoice } from "./model-choice.ts";
import type { ModelSettings } from "./settings.ts";

/**
 * The embedding model that a stored name such as `openai:text-embedding-3-small` means, with the keys and addresses
 * that are set now; or why it can't be reached. The settings may have moved on to another model since.
 */
export function embeddingChoiceNamed(
  name: string,
  settings: ModelSettings,
): EmbeddingChoice | { readonly problem: string } {
  const [, provider, model = ""] = /^([a-z-]+):(.+)$/.exec(name) ?? [];
  const { EMBEDDING_URL: url, GEMINI_API_KEY: geminiKey, OPENAI_API_KEY: openAiKey } = settings;
  switch (provider) {
    case "builtin":
      return model === builtInEmbeddingModel
        ? { provider, model }
        : { problem: "this version has another built-in model" };
    case "gemini":
      return geminiKey === undefined
        ? { problem: "GEMINI_API_KEY is not set" }
        : { provider, model, apiKey: geminiKey };
    case "openai":
      if (url !== undefined && isOpenAi(url))
        return { provider, url, model, apiKey: settings.EMBEDDING_API_KEY ?? openAiKey };
      // With a CHAT_URL elsewhere the key is that server's.
      return openAiKey === undefined || !(settings.CHAT_URL === undefined || isOpenAi(settings.CHAT_URL))
        ? { problem: "there is no key for OpenAI" }
        : { provider, url: openAiUrl, model, apiKey: openAiKey };
    case "openai-compatible":
      return url === undefined || isOpenAi(url)
        ? { problem: "EMBEDDING_URL does not lead to its server" }
        : { provider, url, model, apiKey: settings.EMBEDDING_API_KEY ?? openAiKey };
    default:
      return { problem: "it came with the program, or from a provider that is not known" };
  }
}

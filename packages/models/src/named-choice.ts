import { builtInChatModel, choiceName, isOpenAi, openAiUrl, ownChoice } from "./model-choice.ts";
import type { ChatChoice, OwnModels } from "./model-choice.ts";
import type { ModelSettings } from "./settings.ts";

type Sources = { readonly settings: ModelSettings; readonly own: OwnModels };

/**
 * The chat model that a name such as `gemini:gemini-2.5-flash`, `openai-compatible:gemma3` or `builtin` means, with
 * the keys and addresses of the settings; or what is missing for it, in words.
 */
export function chatChoiceNamed(
  name: string,
  { settings, own }: Sources,
): ChatChoice | { readonly problem: string } {
  if (name === "builtin" || name === `builtin:${builtInChatModel}`) {
    return { provider: "builtin", model: builtInChatModel };
  }
  const ownModel = ownModels(own).find((model) => choiceName(ownChoice(model)) === name);
  if (ownModel !== undefined) return ownChoice(ownModel);
  const [, provider, model] = /^([a-z-]+):(.+)$/.exec(name) ?? [];
  if (provider === undefined || model === undefined) return { problem: howNamesLook(own) };
  return remoteChoice(provider, model, { settings, own });
}

function remoteChoice(
  provider: string,
  model: string,
  { settings, own }: Sources,
): ReturnType<typeof chatChoiceNamed> {
  const { CHAT_URL: url, OPENAI_API_KEY: openAiKey, GEMINI_API_KEY: geminiKey } = settings;
  const { ANTHROPIC_API_KEY: anthropicKey } = settings;
  switch (provider) {
    case "gemini":
      return geminiKey === undefined
        ? { problem: needs("GEMINI_API_KEY") }
        : { provider, model, apiKey: geminiKey };
    case "anthropic":
      return anthropicKey === undefined
        ? { problem: needs("ANTHROPIC_API_KEY") }
        : { provider, model, apiKey: anthropicKey };
    case "openai":
      if (openAiKey === undefined) return { problem: needs("OPENAI_API_KEY") };
      // The key is that server's then, and must not be shown to OpenAI.
      if (url !== undefined && !isOpenAi(url)) {
        return {
          problem:
            "OPENAI_API_KEY belongs to the server of CHAT_URL. Leave CHAT_URL out, or bring the model along in millrace.config.ts (models.endpoints)",
        };
      }
      return { provider, url: openAiUrl, model, apiKey: openAiKey };
    case "openai-compatible":
      return url === undefined ? { problem: needs("CHAT_URL") } : { provider, url, model, apiKey: openAiKey };
    default:
      return { problem: howNamesLook(own) };
  }
}

function ownModels(own: OwnModels) {
  return [...(own.chat === undefined ? [] : [own.chat]), ...(own.endpoints ?? [])];
}

function needs(setting: string): string {
  return `it needs ${setting}, which is not set`;
}

function howNamesLook(own: OwnModels): string {
  const owned = ownModels(own).map((model) => choiceName(ownChoice(model)));
  const known = [
    "gemini:NAME",
    "anthropic:NAME",
    "openai:NAME",
    "openai-compatible:NAME",
    ...owned,
    "builtin",
  ];
  return `there is no such model. Names are ${known.join(", ")}`;
}

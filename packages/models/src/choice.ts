import { MillraceError } from "@millrace/kernel";
import type { ErrorItem } from "@millrace/kernel";
import {
  builtInChatModel,
  builtInEmbeddingModel,
  choiceName,
  isOpenAi,
  openAiUrl,
  ownChoice,
} from "./model-choice.ts";
import type { ChatChoice, EmbeddingChoice, OwnModels } from "./model-choice.ts";
import { chatChoiceNamed } from "./named-choice.ts";
import { checkNamesBeside } from "./names-beside.ts";
import type { NamesBeside } from "./names-beside.ts";
import { checkModelSettings } from "./settings.ts";
import type { ModelSettings } from "./settings.ts";

export type Choices = {
  readonly chat: ChatChoice;
  /** The chat model and those to turn to while it can't serve. */
  readonly chain: readonly ChatChoice[];
  /** Purposes with models of their own; names end in `*` where they are a beginning. */
  readonly purposes: ReadonlyMap<string, readonly ChatChoice[]>;
  readonly embedding: EmbeddingChoice;
  readonly notices: readonly string[];
  /** Those of the notices that speak of names nobody is known under. */
  readonly unknownNames: readonly string[];
};

/** The chosen models, and what a person should know of the choice. Throws `invalid_settings`. */
export function chooseModels(
  settings: ModelSettings,
  own: OwnModels = {},
  beside: NamesBeside = { limits: [], prices: [] },
): Choices {
  throwIfAny(checkModelSettings(settings));
  const chat = own.chat === undefined ? chooseChat(settings) : ownChoice(own.chat);
  const embedding = own.embedding === undefined ? chooseEmbedding(settings) : ownChoice(own.embedding);
  const items: ErrorItem[] = [];
  const named = (name: string, pointer: string): ChatChoice[] => {
    const choice = chatChoiceNamed(name, { settings, own });
    if (!("problem" in choice)) return [choice];
    items.push({
      pointer,
      code: "invalid",
      message: `${JSON.stringify(name)} can't be used: ${choice.problem}.`,
    });
    return [];
  };
  const fallback = splitNames(settings.CHAT_FALLBACK).flatMap((name) => named(name, "CHAT_FALLBACK"));
  const purposes = new Map(
    Object.entries(own.purposes ?? {}).map(([purpose, names]) => {
      const pointer = `models.purposes[${JSON.stringify(purpose)}]`;
      if (names.length === 0) items.push({ pointer, code: "missing", message: "Name at least one model." });
      if (!/^[a-z][a-z0-9_.]*\*?$/.test(purpose)) {
        const message = "Purposes are such as document.summary, or document.* for all that begin so.";
        items.push({ pointer, code: "invalid", message });
      }
      return [purpose, names.flatMap((name) => named(name, pointer))] as const;
    }),
  );
  const chain = [chat, ...fallback.filter((choice) => choiceName(choice) !== choiceName(chat))];
  const choices = [...chain, ...[...purposes.values()].flat(), embedding];
  const checked = checkNamesBeside(beside, { settings, own, choices });
  throwIfAny([...items, ...checked.items]);
  const unknownNames = checked.notices;
  const notices = [...noticesFor(chat, embedding), ...unknownNames];
  return { chat, chain, purposes, embedding, notices, unknownNames };
}

function splitNames(list: string | undefined): string[] {
  return (list ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
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

function throwIfAny(items: readonly ErrorItem[]): void {
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

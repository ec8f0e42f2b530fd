import { wrapLanguageModel, extractReasoningMiddleware } from "ai";
import type { LanguageModelV4 } from "@ai-sdk/provider";
import { createGuardedFetch } from "../calls/guarded-fetch.ts";
import type { ChatModel, StructuredOutput } from "../chat-model.ts";
import { choiceName } from "../model-choice.ts";
import type { ChatChoice } from "../model-choice.ts";
import type { ModelSettings } from "../settings.ts";

type RemoteChoice = Exclude<ChatChoice, { readonly provider: "builtin" }>;

/** Loads the provider of a choice and gives its model. Providers load late: most processes need one or none. */
export async function loadChatModel(choice: RemoteChoice, settings: ModelSettings): Promise<ChatModel> {
  const name = choiceName(choice);
  const structuredOutput = firstForm(choice, settings);
  const fetch = createGuardedFetch({ model: name, idleTimeoutMs: settings.MODEL_IDLE_TIMEOUT_MS });
  const language = await loadLanguageModel(choice, structuredOutput, fetch);
  return { name, language, structuredOutput: { current: structuredOutput } };
}

async function loadLanguageModel(
  choice: RemoteChoice,
  form: StructuredOutput,
  fetch: typeof globalThis.fetch,
): Promise<LanguageModelV4> {
  switch (choice.provider) {
    case "own":
      return choice.own;
    case "gemini": {
      const { createGoogle } = await import("@ai-sdk/google");
      return createGoogle({ apiKey: choice.apiKey, fetch })(choice.model);
    }
    case "anthropic": {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ apiKey: choice.apiKey, fetch })(choice.model);
    }
    case "openai":
    case "openai-compatible": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      const provider = createOpenAICompatible({
        name: "compatible",
        baseURL: choice.url,
        fetch,
        includeUsage: true,
        supportsStructuredOutputs: form.kind === "schema",
        ...(choice.apiKey === undefined ? {} : { apiKey: choice.apiKey }),
        ...(choice.provider === "openai" ? { transformRequestBody: renameTokenLimit } : {}),
      });
      const model = provider.chatModel(choice.model);
      return wrapLanguageModel({ model, middleware: extractReasoningMiddleware({ tagName: "think" }) });
    }
  }
}

/** OpenAI's reasoning models refuse `max_tokens`; its successor is understood by all of OpenAI's models only. */
function renameTokenLimit(body: Record<string, unknown>): Record<string, unknown> {
  const { max_tokens: limit, ...rest } = body;
  return limit === undefined ? rest : { ...rest, max_completion_tokens: limit };
}

function firstForm(choice: RemoteChoice, settings: ModelSettings): StructuredOutput {
  const wanted = settings.CHAT_STRUCTURED_OUTPUT;
  const isUnknown = choice.provider === "openai-compatible" || choice.provider === "own";
  const isKnown = choice.provider === "gemini" || choice.provider === "anthropic";
  // What an administrator says of the server of CHAT_URL does not hold for those that stand in for it.
  const isMeant = settings.CHAT_URL === undefined || !isKnown;
  if (wanted === "auto" || !isMeant) return { kind: "schema", mayFallBack: isUnknown };
  // A form that an administrator chose is not second-guessed, but `json` never carries the schema.
  return { kind: wanted, mayFallBack: false };
}

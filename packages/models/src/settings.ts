import { integerSetting } from "@millrace/kernel";
import type { ErrorItem, SettingsSection } from "@millrace/kernel";
import { z } from "zod";

const address = (description: string) =>
  z
    .url({ protocol: /^https?$/, error: "Give an address that begins with http:// or https://." })
    .optional()
    .describe(description);

const text = (description: string) => z.string().optional().describe(description);

/** The settings of models, by environment variable. What is unset and which model that means: README. */
export const modelSettingsSchema = z.object({
  CHAT_URL: address(
    "Address of an OpenAI-compatible server for chat, such as http://localhost:11434/v1. With CHAT_MODEL.",
  ),
  CHAT_MODEL: text("Name of the chat model on the server of CHAT_URL."),
  EMBEDDING_URL: address("Address of an OpenAI-compatible server for embeddings. With EMBEDDING_MODEL."),
  EMBEDDING_MODEL: text("Name of the embedding model on the server of EMBEDDING_URL."),
  EMBEDDING_API_KEY: text("Key for EMBEDDING_URL when it differs from OPENAI_API_KEY."),
  EMBEDDING_REVISION: z
    .string()
    .max(100)
    .default("")
    .describe(
      "Any text. Change it when the embedding model behind the same name has changed: all passages are embedded anew.",
    ),
  OPENAI_API_KEY: text("Key for CHAT_URL and EMBEDDING_URL; without CHAT_URL, for OpenAI itself."),
  OPENAI_MODEL: z
    .string()
    .default("gpt-5-mini")
    .describe("Chat model at OpenAI, when only OPENAI_API_KEY is set."),
  OPENAI_EMBEDDING_MODEL: z.string().default("text-embedding-3-small").describe("Embedding model at OpenAI."),
  GEMINI_API_KEY: text("Key for Google Gemini."),
  GEMINI_MODEL: z.string().default("gemini-2.5-flash").describe("Chat model at Gemini."),
  GEMINI_EMBEDDING_MODEL: z.string().default("gemini-embedding-001").describe("Embedding model at Gemini."),
  ANTHROPIC_API_KEY: text("Key for Anthropic."),
  ANTHROPIC_MODEL: z.string().default("claude-haiku-4-5").describe("Chat model at Anthropic."),
  MODEL_TIMEOUT_MS: integerSetting({ min: 100, max: 3_600_000, byDefault: 120_000 }).describe(
    "Longest time of one model call in milliseconds, the answer included.",
  ),
  MODEL_FIRST_BYTE_TIMEOUT_MS: integerSetting({ min: 100, max: 3_600_000, byDefault: 100_000 }).describe(
    "Longest wait in milliseconds until a model server begins to answer a call whose answer is streamed.",
  ),
  MODEL_FIRST_CHUNK_TIMEOUT_MS: integerSetting({ min: 100, max: 3_600_000, byDefault: 100_000 }).describe(
    "Longest wait in milliseconds from then on until the first piece of a streamed answer.",
  ),
  MODEL_IDLE_TIMEOUT_MS: integerSetting({ min: 100, max: 3_600_000, byDefault: 30_000 }).describe(
    "Longest silence in milliseconds once a model server has begun to answer.",
  ),
  MODEL_CONCURRENCY: integerSetting({ min: 1, max: 10_000, byDefault: 8 }).describe(
    "Most calls to one model at the same time in one process.",
  ),
  MODEL_PRICES: text(
    'Path of a JSON file with prices in US dollars per million tokens by model: {"openai-compatible:gemma3":{"input":0,"output":0}}. They go before those that are built in.',
  ),
  CHAT_FALLBACK: text(
    "Chat models to turn to, in order, while the first can't serve, with commas between: gemini:NAME, anthropic:NAME, openai:NAME, openai-compatible:NAME (another model at CHAT_URL), builtin.",
  ),
  CHAT_CONTEXT_TOKENS: z.coerce
    .number()
    .int()
    .min(2048)
    .max(10_000_000)
    .optional()
    .describe(
      "Tokens the chat model reads and writes at once. Longer texts are split; too large a value makes servers refuse or forget. Unset: what is known of the model, else 8192.",
    ),
  CHAT_STRUCTURED_OUTPUT: z
    .enum(["auto", "schema", "json", "prompt"])
    .default("auto")
    .describe(
      "How the chat server is asked for JSON: schema (json_schema), json (json_object), prompt (instructions only), auto (finds out).",
    ),
});

export type ModelSettings = z.output<typeof modelSettingsSchema>;

export const modelSettings: SettingsSection = { title: "Models", schema: modelSettingsSchema };

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

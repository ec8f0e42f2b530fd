import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { z } from "zod";
import { builtInChatModel } from "../model-choice.ts";
import { modelErrors } from "../errors.ts";
import { builtInOptionsSchema } from "./operations.ts";
import type { BuiltInThread } from "./thread/thread.ts";

/**
 * The built-in chat model: extractive, deterministic, offline. `providerOptions.builtin.operation`
 * says what to take out of the text in the user part. Throws `built_in_operation_unsupported` without.
 */
export function createBuiltInLanguageModel(thread: BuiltInThread, timeoutMs: number): LanguageModelV4 {
  const doGenerate = async (options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> => ({
    content: [{ type: "text", text: await answer(thread, timeoutMs, options) }],
    finishReason: { unified: "stop", raw: undefined },
    usage: unknownUsage,
    warnings: [],
  });
  return {
    specificationVersion: "v4",
    provider: "builtin",
    modelId: builtInChatModel,
    supportedUrls: {},
    doGenerate,
    doStream: async (options) => {
      const text = await answer(thread, timeoutMs, options);
      return { stream: streamOf(text) };
    },
  };
}

// Nothing is tokenised and nothing is billed: a count would only look like one.
const unknownUsage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

async function answer(
  thread: BuiltInThread,
  timeoutMs: number,
  options: LanguageModelV4CallOptions,
): Promise<string> {
  const given = builtInOptionsSchema.safeParse(options.providerOptions?.["builtin"]);
  if (!given.success) throw modelErrors.unknownOperation();
  const result = await thread.ask(
    "analyse",
    { ...given.data, text: userText(options) },
    { timeoutMs, signal: options.abortSignal },
  );
  return options.responseFormat?.type === "json" ? JSON.stringify(result) : asText(result);
}

function userText(options: LanguageModelV4CallOptions): string {
  return options.prompt
    .flatMap((message) => (message.role === "user" ? message.content : []))
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("\n\n");
}

const readableSchema = z.union([
  z.object({ text: z.string() }).transform(({ text }) => text),
  z
    .object({ points: z.array(z.string()) })
    .transform(({ points }) => points.map((point) => `- ${point}`).join("\n")),
  z.object({ topics: z.array(z.string()) }).transform(({ topics }) => topics.join(", ")),
  z.object({ label: z.string() }).transform(({ label }) => label),
  z
    .object({ quotes: z.array(z.object({ text: z.string() })) })
    .transform(({ quotes }) =>
      quotes.length === 0
        ? "The text has no sentence about this."
        : quotes.map(({ text }) => `> ${text}`).join("\n\n"),
    ),
  z.looseObject({}).transform((result) => JSON.stringify(result, null, 2)),
]);

function asText(result: unknown): string {
  return readableSchema.parse(result);
}

function streamOf(text: string): ReadableStream<LanguageModelV4StreamPart> {
  const parts: LanguageModelV4StreamPart[] = [
    { type: "stream-start", warnings: [] },
    { type: "text-start", id: "0" },
    ...(text.match(/\S+\s*/g) ?? []).map((delta) => ({ type: "text-delta" as const, id: "0", delta })),
    { type: "text-end", id: "0" },
    { type: "finish", finishReason: { unified: "stop", raw: undefined }, usage: unknownUsage },
  ];
  return ReadableStream.from(parts);
}

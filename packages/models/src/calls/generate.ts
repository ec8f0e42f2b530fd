import { newId, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { modelErrors } from "../errors.ts";
import { readTokens } from "../guard/call-tokens.ts";
import type { Heard } from "../guard/call-tokens.ts";
import type { Deadlines } from "../guard/deadlines.ts";
import type { CallTokens } from "../ports.ts";
import type { ToolCall } from "../turn.ts";
import { repairJson } from "./repair-json.ts";

/** What came back, whole, with its tokens. `failure`: it ended in another way than a finished answer. */
export type Generated = {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly tokens: CallTokens;
  readonly failure?: Error;
  /** Of a streamed answer: whether the server said how many tokens it took. */
  readonly isStream: boolean;
};

export type GenerateCall = {
  /** A model object, never a string: the SDK sends strings to a gateway on the internet. */
  readonly model: LanguageModelV4;
  readonly modelName: string;
  readonly options: LanguageModelV4CallOptions;
  readonly deadlines: Deadlines;
  readonly heard: Heard;
  /** With it the answer is streamed: each piece of text as it comes. */
  readonly onText: ((text: string) => void) | undefined;
  readonly logger: Logger;
};

/**
 * The one place that calls a chat model: one request, no retries (the queue owns those). Only a finished answer
 * counts; a part that says "error" ends a stream at once, whatever follows it. Throws what the provider throws.
 */
export async function generate(call: GenerateCall): Promise<Generated> {
  const { modelName, logger } = call;
  const answer = await (call.onText === undefined ? askWhole(call) : askStream(call, call.onText));
  const onOdd = (field: string) =>
    logger.warn({ model: modelName, field }, "the model's server counts tokens that can't be right");
  const tokens = answer.usage === undefined ? noTokens : readTokens(answer.usage, onOdd);
  const failure = failureOf(answer, modelName);
  return {
    text: answer.text,
    toolCalls: answer.toolCalls,
    tokens,
    isStream: call.onText !== undefined,
    ...(failure === undefined ? {} : { failure }),
  };
}

const noTokens: CallTokens = { input: null, output: null, cachedInput: null };

type Answer = {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: LanguageModelV4FinishReason | undefined;
  readonly usage: LanguageModelV4Usage | undefined;
};

async function askWhole(call: GenerateCall): Promise<Answer> {
  const result = await call.model.doGenerate(call.options);
  noteWarnings(call, result.warnings);
  return {
    text: result.content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    toolCalls: result.content.flatMap(toolCallOf),
    finishReason: result.finishReason,
    usage: result.usage,
  };
}

async function askStream(call: GenerateCall, onText: (text: string) => void): Promise<Answer> {
  const { deadlines, options, heard } = call;
  heard.isStream = true;
  deadlines.awaitFirstByte();
  const { stream } = await call.model.doStream(options);
  deadlines.awaitFirstChunk();
  const toolCalls: ToolCall[] = [];
  let end: Pick<Answer, "finishReason" | "usage"> = { finishReason: undefined, usage: undefined };
  // Leaving the loop early cancels the stream, which closes the connection.
  for await (const part of stream) {
    if (part.type === "error") throw streamError(part.error, call.modelName);
    if (part.type === "stream-start") noteWarnings(call, part.warnings);
    if (saysNothing.has(part.type)) continue;
    deadlines.awaitNextChunk();
    if (part.type === "text-delta" && part.delta !== "") {
      heard.text += part.delta;
      onText(part.delta);
    }
    if (part.type === "reasoning-delta" || part.type === "tool-input-delta") heard.aside += part.delta;
    if (part.type === "tool-call") toolCalls.push(...toolCallOf(part));
    if (part.type === "finish") end = part;
  }
  return { text: heard.text, toolCalls, finishReason: end.finishReason, usage: end.usage };
}

/** Parts with which a server only says that it is there. */
const saysNothing: ReadonlySet<string> = new Set(["stream-start", "response-metadata", "ping", "raw"]);

/** A frame that says "error", or a line that can't be read: something of the answer is missing. */
function streamError(thrown: unknown, model: string): Error {
  const cause = thrown instanceof Error ? thrown : undefined;
  // Errors of the connection and our own keep what they are; the others are about this stream.
  if (cause !== undefined && !streamFaults.has(cause.name)) return cause;
  return modelErrors.streamFailed({ model, cause: toError(thrown) });
}

const streamFaults: ReadonlySet<string> = new Set([
  "AI_JSONParseError",
  "AI_TypeValidationError",
  "AI_InvalidResponseDataError",
]);

function toolCallOf(part: LanguageModelV4Content): ToolCall[] {
  if (part.type !== "tool-call") return [];
  // Some local servers give no id, and the result must name one.
  const id = part.toolCallId === "" ? newId() : part.toolCallId;
  return [{ id, name: part.toolName, input: readInput(part.input) }];
}

/** What can't be read stays text: whoever checks the input against the tool's schema tells the model. */
function readInput(input: string): unknown {
  if (input.trim() === "") return {};
  for (const read of [() => input, () => repairJson(input)]) {
    try {
      return JSON.parse(read()) as unknown;
    } catch {
      // Not JSON in this form.
    }
  }
  return input;
}

function failureOf({ finishReason, text, toolCalls }: Answer, model: string): Error | undefined {
  const reason = finishReason?.unified;
  if (reason === "stop" || (reason === "tool-calls" && toolCalls.length > 0)) return undefined;
  if (reason === "length") return modelErrors.outputTruncated({ model });
  if (reason === "content-filter") return modelErrors.contentFiltered({ model });
  const details = { finish_reason: finishReason?.raw ?? reason ?? "none", characters: text.length };
  return modelErrors.stoppedEarly({ model, details });
}

function noteWarnings({ logger, modelName }: GenerateCall, warnings: readonly unknown[]): void {
  if (warnings.length > 0) logger.debug({ model: modelName, warnings }, "the model's provider warns");
}

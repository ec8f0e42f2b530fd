import { z } from "zod";

/** How tokens are counted. Default: about four characters each, and none of them cached. */
const usageSchema = z.union([
  z.enum(["missing", "negative", "huge", "text"]),
  z.strictObject({
    prompt_tokens: z.number(),
    completion_tokens: z.number(),
    cached_tokens: z.number().optional(),
  }),
]);

const delayMs = z.number().optional();

/** A tool that the model asks for. Without `input` it is made up to fit the tool's schema. */
const toolCallSchema = z.strictObject({ name: z.string(), input: z.unknown().optional() });

/**
 * What the fake model server does with one request. `answer` is what a healthy model would do;
 * everything else is a failure that real providers show. `delayMs` waits before any of them.
 */
export const behaviourSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("answer"),
    delayMs,
    /** Given text instead of a computed answer. */
    content: z.string().optional(),
    /** Pause between the pieces of a stream. */
    pieceDelayMs: z.number().optional(),
    /** The bytes of the response in pieces of this size, which cuts lines and characters anywhere. */
    pieceBytes: z.number().int().min(1).optional(),
    usage: usageSchema.optional(),
    /** In place of the right one. */
    contentType: z.string().optional(),
    /** Between the lines of a stream. */
    lineEnd: z.enum(["\n", "\r\n"]).optional(),
    /** A byte order mark before everything. */
    hasBom: z.boolean().optional(),
    finishReason: z.string().optional(),
  }),
  /** Asks for tools, as models do that were shown some. `text` comes before. */
  z.strictObject({
    kind: z.literal("tool_calls"),
    delayMs,
    calls: z.array(toolCallSchema).min(1),
    text: z.string().optional(),
  }),
  /** Asks for the first tool that it is shown, each time; answers when it is shown none. Put it into a function for ever. */
  z.strictObject({ kind: z.literal("first_tool"), delayMs }),
  /** Waits until the barrier is released, then answers. */
  z.strictObject({ kind: z.literal("hold"), delayMs, barrier: z.string() }),
  z.strictObject({
    kind: z.literal("rate_limit"),
    delayMs,
    retryAfterSeconds: z.number().optional(),
    /** The header as it is, such as a date. Without any of the three the server does not say how long. */
    retryAfter: z.string().optional(),
    retryAfterMs: z.number().optional(),
  }),
  z.strictObject({
    kind: z.literal("server_error"),
    delayMs,
    status: z.number().int().min(500).max(599).optional(),
  }),
  /** Any refusal, with the code of OpenAI's error body. */
  z.strictObject({
    kind: z.literal("refuse"),
    delayMs,
    status: z.number().int().min(400).max(599),
    code: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal("redirect"), delayMs, location: z.string() }),
  z.strictObject({ kind: z.literal("unauthorized"), delayMs }),
  /** Accepts the request and never says anything. */
  z.strictObject({ kind: z.literal("hang"), delayMs }),
  /** Begins a response and never goes on. `isAlive`: only with signs of life. */
  z.strictObject({ kind: z.literal("hang_after_headers"), delayMs, isAlive: z.boolean().optional() }),
  /** Falls silent after this many pieces of a stream. */
  z.strictObject({ kind: z.literal("stall"), delayMs, pieces: z.number().int().min(0) }),
  /** A stream that ends in the middle as if that were all: no finish, no [DONE]. */
  z.strictObject({ kind: z.literal("truncated_stream"), delayMs }),
  /** A stream with an error instead of its second half. */
  z.strictObject({ kind: z.literal("error_frame"), delayMs }),
  /** A stream with one unreadable line; everything else is there, the finish too. */
  z.strictObject({ kind: z.literal("garbage_line"), delayMs }),
  /** A stream with one line of so many bytes. */
  z.strictObject({ kind: z.literal("long_line"), delayMs, bytes: z.number().int().min(1) }),
  /** A good answer that stops in the middle of its JSON, as when the token limit is met. */
  z.strictObject({ kind: z.literal("truncated_json"), delayMs }),
  /** A good answer inside a Markdown code fence with a sentence before it. */
  z.strictObject({ kind: z.literal("fenced_json"), delayMs }),
  /** A well-formed response whose content is not what was asked for at all. */
  z.strictObject({ kind: z.literal("garbage"), delayMs }),
  /** Valid JSON of another shape. */
  z.strictObject({ kind: z.literal("wrong_schema"), delayMs }),
  /** The connection is cut after half of the body. */
  z.strictObject({ kind: z.literal("drop_connection"), delayMs }),
  /** Bytes that are neither an event stream nor JSON. */
  z.strictObject({ kind: z.literal("garbage_stream"), delayMs }),
  /** Vectors of another length than was asked for. */
  z.strictObject({ kind: z.literal("other_dimensions"), delayMs, dimensions: z.number().int().min(1) }),
  /** Vectors with NaN in them, as some servers write it although JSON has no such number. */
  z.strictObject({ kind: z.literal("nan_vector"), delayMs }),
]);

export type Behaviour = z.infer<typeof behaviourSchema>;

/**
 * Behaviours for the requests in order of arrival, or a function that looks at each call. When the
 * list is used up, or the function returns nothing, the server answers.
 */
export type BehaviourScript = readonly Behaviour[] | ((call: ModelCall) => Behaviour | undefined);

export type CountedTokens = { readonly prompt_tokens: number; readonly completion_tokens: number };

/** One request as the server saw it. */
export type ModelCall = {
  /** 1 for the first request since the start. */
  readonly number: number;
  readonly kind: "chat" | "embeddings" | "models" | "unknown";
  readonly path: string;
  readonly startedAt: string;
  /** From the headers x-millrace-step, x-millrace-job and x-millrace-purpose. */
  readonly step: string | undefined;
  readonly job: string | undefined;
  readonly purpose: string | undefined;
  readonly isStream: boolean;
  readonly authorization: string | undefined;
  /** The parsed request body, or its text when it is not JSON. */
  readonly body: unknown;
  behaviour: Behaviour["kind"];
  /** Tokens that the server truly counted for a finished answer, whatever it told the client. */
  usage: CountedTokens | undefined;
  endedAt: string | undefined;
  /** `answered`: the whole response was written. `aborted`: the connection closed before. */
  outcome: "running" | "answered" | "aborted";
};

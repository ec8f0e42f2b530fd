import { z } from "zod";

/**
 * What the fake model server does with one request. `answer` is what a healthy model would do;
 * everything else is a failure that real providers show. `delayMs` waits before any of them.
 */
export const behaviourSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("answer"),
    delayMs: z.number().optional(),
    /** Given text instead of a computed answer. */
    content: z.string().optional(),
    /** Pause between the pieces of a stream. */
    pieceDelayMs: z.number().optional(),
  }),
  /** Waits until the barrier is released, then answers. */
  z.strictObject({ kind: z.literal("hold"), delayMs: z.number().optional(), barrier: z.string() }),
  z.strictObject({
    kind: z.literal("rate_limit"),
    delayMs: z.number().optional(),
    retryAfterSeconds: z.number(),
  }),
  z.strictObject({
    kind: z.literal("server_error"),
    delayMs: z.number().optional(),
    status: z.number().int().min(500).max(599).optional(),
  }),
  z.strictObject({ kind: z.literal("unauthorized"), delayMs: z.number().optional() }),
  /** Accepts the request and never says anything. */
  z.strictObject({ kind: z.literal("hang"), delayMs: z.number().optional() }),
  /** A good answer that stops in the middle of its JSON, as when the token limit is met. */
  z.strictObject({ kind: z.literal("truncated_json"), delayMs: z.number().optional() }),
  /** A good answer inside a Markdown code fence with a sentence before it. */
  z.strictObject({ kind: z.literal("fenced_json"), delayMs: z.number().optional() }),
  /** A well-formed response whose content is not what was asked for at all. */
  z.strictObject({ kind: z.literal("garbage"), delayMs: z.number().optional() }),
  /** Valid JSON of another shape. */
  z.strictObject({ kind: z.literal("wrong_schema"), delayMs: z.number().optional() }),
  /** The connection is cut after half of the body. */
  z.strictObject({ kind: z.literal("drop_connection"), delayMs: z.number().optional() }),
  /** Bytes that are neither an event stream nor JSON. */
  z.strictObject({ kind: z.literal("garbage_stream"), delayMs: z.number().optional() }),
]);

export type Behaviour = z.infer<typeof behaviourSchema>;

/**
 * Behaviours for the requests in order of arrival, or a function that looks at each call. When the
 * list is used up, or the function returns nothing, the server answers.
 */
export type BehaviourScript = readonly Behaviour[] | ((call: ModelCall) => Behaviour | undefined);

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
  endedAt: string | undefined;
  /** `answered`: the whole response was written. `aborted`: the connection closed before. */
  outcome: "running" | "answered" | "aborted";
};

import type { Service } from "@millrace/kernel";
import type { z } from "zod";
import type { BuiltInOperation } from "./built-in/operations.ts";
import type { DetectedLanguage } from "./built-in/reading/language.ts";
import type { Usage } from "./calls/generate.ts";

export type ModelChoice = {
  /** Public name, such as `openai-compatible:gemma3` or `builtin:extractive-1`. */
  readonly name: string;
  readonly builtIn: boolean;
};

export type GenerateRequest = {
  /** What the call is for, such as `document.summary`: for logs and, later, for limits and costs. */
  readonly purpose: string;
  readonly instructions: string;
  /** The text to work on. It reaches the model as data, never as instructions. */
  readonly text: string;
  /** What the built-in model does with the text; without it, it refuses. */
  readonly builtInOperation?: BuiltInOperation;
  /** What is known of the text; only the built-in model uses it. */
  readonly textFacts?: { readonly title: string | null; readonly language: string | null };
  /** Sent as headers to a server of one's own (`CHAT_URL`), so that its log can be matched with ours. */
  readonly trace?: { readonly job?: string; readonly step?: string };
  /** Default: what the provider allows. */
  readonly maxOutputTokens?: number;
  readonly signal?: AbortSignal;
};

export type GenerateObjectRequest<T> = GenerateRequest & {
  readonly schema: z.ZodType<T>;
  readonly schemaName: string;
};

export type GenerateResult<T> = {
  readonly value: T;
  readonly model: string;
  readonly builtIn: boolean;
  readonly usage: Usage;
  readonly latencyMs: number;
};

export type EmbedResult = {
  /** One per text, in the order given. */
  readonly vectors: number[][];
  readonly model: string;
  readonly dimensions: number;
  readonly usage: { readonly inputTokens: number | null };
};

export type Models = Service & {
  /** `contextTokens` is null when the model reads any length. */
  readonly chat: ModelChoice & { readonly contextTokens: number | null };
  /** `dimensions` is null until the first vectors came. */
  readonly embedding: ModelChoice & { readonly dimensions: number | null };
  /** What a person should know of the choice of models. */
  readonly notices: readonly string[];
  /** An object of the schema, or one of the errors in `modelErrors`. Never retried here but for a bad answer, once. */
  readonly generateObject: <T>(request: GenerateObjectRequest<T>) => Promise<GenerateResult<T>>;
  /** Free text. The built-in model gives extracts, and only for a `builtInOperation`. */
  readonly generateText: (request: GenerateRequest) => Promise<GenerateResult<string>>;
  /** Vectors of texts, in batches of 64 one after the other. Throws `embedding_text_blank` for an empty text. */
  readonly embed: (request: {
    readonly texts: readonly string[];
    readonly signal?: AbortSignal;
  }) => Promise<EmbedResult>;
  /** The language of a text, worked out beside the main thread. */
  readonly detectLanguage: (text: string, signal?: AbortSignal) => Promise<DetectedLanguage>;
};

import type { Service } from "@millrace/kernel";
import type { z } from "zod";
import type { BuiltInOperation } from "./built-in/operations.ts";
import type { DetectedLanguage } from "./built-in/reading/language.ts";
import type { Usage } from "./calls/usage.ts";
import type { EndpointState } from "./guard/endpoint.ts";
import type { CallOrigin } from "./ports.ts";
import type { TurnRequest, TurnResult } from "./turn.ts";

export type ModelChoice = {
  /** Public name, such as `openai-compatible:gemma3` or `builtin:extractive-1`. */
  readonly name: string;
  readonly builtIn: boolean;
};

export type GenerateRequest = {
  /** What the call is for, such as `document.summary`: which models it goes to, and what it is listed as. */
  readonly purpose: string;
  /** Default: the installation's own work. */
  readonly origin?: CallOrigin;
  readonly instructions: string;
  /** The text to work on. It reaches the model as data, never as instructions. */
  readonly text: string;
  /** What the built-in model does with the text; without it, it refuses. */
  readonly builtInOperation?: BuiltInOperation;
  /** What is known of the text, and what is asked of it; only the built-in model uses it. */
  readonly textFacts?: {
    readonly title: string | null;
    readonly language: string | null;
    /** With the operation `answer`. */
    readonly question?: string;
  };
  /** The name of an endpoint, such as `gemini:gemini-2.5-flash`. Default: those of the purpose, in their order. */
  readonly model?: string;
  /** Name and version of the prompt, such as `document.summary@3`: part of the key of stored answers. */
  readonly prompt?: string;
  /** Default: what the provider allows. */
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  /** `fresh`: asks anew, though an answer to the same question is stored, and replaces it. Default `reuse`. */
  readonly answers?: "reuse" | "fresh";
  /** Each piece of text as it comes. After a fallback or a second try the text begins anew: `reset`. */
  readonly onText?: TurnRequest["onText"];
  readonly signal?: AbortSignal;
};

export type GenerateObjectRequest<T> = GenerateRequest & {
  readonly schema: z.ZodType<T>;
  readonly schemaName: string;
};

export type GenerateResult<T> = {
  readonly value: T;
  /** The endpoint that answered: after a fallback not the first of its purpose. */
  readonly model: string;
  readonly builtIn: boolean;
  readonly usage: Usage;
  /** In US dollars; null when unknown. 0 when it is `cached`. */
  readonly cost: number | null;
  /** Whether the answer was there, or an equal call in flight gave it; not one that was made for the same step. */
  readonly cached: boolean;
  readonly latencyMs: number;
};

/** An embedding model as it is stored with its vectors. */
export type EmbeddingModelName = {
  /** Such as `openai:text-embedding-3-small`. */
  readonly name: string;
  /** EMBEDDING_REVISION, as it was. Default none. */
  readonly revision?: string;
};

export type EmbedResult = {
  /** One per text, in the order given. */
  readonly vectors: number[][];
  readonly model: string;
  readonly dimensions: number;
  readonly usage: { readonly inputTokens: number | null };
  /** In US dollars; null when unknown. */
  readonly cost: number | null;
};

export type ChatChoiceState = ModelChoice & {
  /** Null when the model reads any length. */
  readonly contextTokens: number | null;
};

export type Models = Service & {
  /** The first model for chat: that of every purpose that the settings do not name. */
  readonly chat: ChatChoiceState;
  /**
   * The first model of a purpose, such as `document.summary`; with a name, that one. Throws `model_unknown` for a
   * name that means none.
   */
  readonly chatFor: (purpose: string, model?: string) => ChatChoiceState;
  /**
   * The built-in model where it stands in the list of the purpose and is to be asked after this failure of the
   * others; for those who have turns taken, which it can't.
   */
  readonly builtInAfter: (error: unknown, purpose: string) => ChatChoiceState | undefined;
  /** `dimensions` is null until the first vectors came. */
  readonly embedding: ModelChoice & { readonly revision?: string; readonly dimensions: number | null };
  /** Every model that this process may call, and how it is doing. */
  readonly endpoints: () => readonly EndpointState[];
  /** What a person should know of the choice of models. */
  readonly notices: readonly string[];
  /** An object of the schema, or one of the errors in `modelErrors`. Never retried here but for a bad answer, once. */
  readonly generateObject: <T>(request: GenerateObjectRequest<T>) => Promise<GenerateResult<T>>;
  /** Free text. The built-in model gives extracts, and only for a `builtInOperation`. */
  readonly generateText: (request: GenerateRequest) => Promise<GenerateResult<string>>;
  /** One turn of a conversation, with tools that the caller runs. Throws `model_required` where only the built-in model is set up. */
  readonly turn: (request: TurnRequest) => Promise<TurnResult>;
  /**
   * Vectors of texts, in batches of 64 one after the other. Throws `embedding_text_blank` for an empty text, and
   * `model_unknown` for a model that the settings don't reach.
   */
  readonly embed: (request: {
    readonly texts: readonly string[];
    /** Default: that of the settings. */
    readonly model?: EmbeddingModelName;
    /** Default `embedding`. */
    readonly purpose?: string;
    /** Default: the installation's own work. */
    readonly origin?: CallOrigin;
    readonly signal?: AbortSignal;
  }) => Promise<EmbedResult>;
  /**
   * Whether the settings reach an embedding model: their own, the built-in one, or another at the same provider.
   * Whether its server answers is not asked.
   */
  readonly embeds: (model: EmbeddingModelName) => boolean;
  /** What so many tokens cost with an embedding model, in US dollars; null when its price is not known. */
  readonly embeddingCost: (model: string, tokens: number) => number | null;
  /** The language of a text, worked out beside the main thread. */
  readonly detectLanguage: (text: string, signal?: AbortSignal) => Promise<DetectedLanguage>;
};

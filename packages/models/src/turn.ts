import type { CallOrigin } from "./ports.ts";

/** A conversation with a model as plain JSON: it is stored between turns, and outlives the SDK's types. */
export type ChatMessage =
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly results: readonly ToolResult[] };

export type ToolCall = { readonly id: string; readonly name: string; readonly input: unknown };

export type ToolResult = {
  readonly callId: string;
  readonly name: string;
  /** What the tool gave, or why it failed: text, data to the model and never instructions. */
  readonly output: string;
  readonly isError?: boolean;
};

export type ToolDefinition = {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
};

/** One call of a chat model in a conversation: it answers, or asks for tools, and runs none itself. */
export type TurnRequest = {
  readonly purpose: string;
  readonly origin: CallOrigin;
  readonly instructions: string;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolDefinition[];
  /** Default: `auto` with tools. `none`: they are shown, because the conversation has used them, but may not be called. */
  readonly toolChoice?: "auto" | "none" | "required";
  /** The name of an endpoint, such as `gemini:gemini-2.5-flash`. Default: those of the purpose, in their order. */
  readonly model?: string;
  /** Name and version of the prompt, such as `crew.agent@1`: part of the key of stored answers. */
  readonly prompt?: string;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  /** Each piece of text as it comes. After a fallback to another endpoint the text begins anew: `reset`. */
  readonly onText?: (piece: { readonly text: string; readonly reset: boolean }) => void;
  readonly signal?: AbortSignal;
};

export type TurnResult = {
  readonly text: string;
  /** Empty when the model answered. Names and inputs are the model's words: check both. */
  readonly toolCalls: readonly ToolCall[];
  readonly model: string;
  readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null };
  /** In US dollars; null when unknown. 0 when it is `cached`. */
  readonly cost: number | null;
  /** Whether the answer was there, or an equal call in flight gave it; not one that was made for the same step. */
  readonly cached: boolean;
  readonly latencyMs: number;
};

import type { LanguageModelV4 } from "@ai-sdk/provider";

/**
 * How a server is asked for JSON. `mayFallBack` says that nobody knows whether it takes this form:
 * the schema then also stands in the instructions, and a rejection leads to the plain form.
 */
export type StructuredOutput = {
  readonly kind: "schema" | "json" | "prompt";
  readonly mayFallBack: boolean;
};

/** A chat model ready to be called. */
export type ChatModel = {
  readonly name: string;
  readonly language: LanguageModelV4;
  /** What was learned about the server while the process runs. */
  readonly structuredOutput: { current: StructuredOutput };
};

import { createHash } from "node:crypto";
import type { ChatMessage, ToolDefinition } from "../turn.ts";

/** Raise it when the same question would now be put to a model in other words. */
const keyVersion = 1;

export type AskedQuestion = {
  readonly endpoint: { readonly name: string; readonly url: string | null };
  readonly instructions: string;
  readonly content: string | readonly ChatMessage[];
  readonly schema?: unknown;
  readonly tools?: readonly ToolDefinition[] | undefined;
  readonly toolChoice?: string | undefined;
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  /** Name and version of the prompt. */
  readonly prompt?: string | undefined;
};

/**
 * The key of a stored answer: the same for the same question to the same model, whoever asks. It is made before
 * the text is framed by random markers. Whose the answer is, is the store's own matter.
 */
export function answerKey(question: AskedQuestion): string {
  const { endpoint, instructions, content, schema, tools, toolChoice, temperature } = question;
  const asked = [
    keyVersion,
    ...[endpoint.name, endpoint.url, instructions, content, schema ?? null, tools ?? null],
    ...[toolChoice ?? null, temperature ?? null, question.maxOutputTokens ?? null, question.prompt ?? null],
  ];
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

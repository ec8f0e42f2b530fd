import { isMillraceError } from "@millrace/kernel";
import type { ModelMessage } from "ai";
import type { z } from "zod";
import type { ChatModel, StructuredOutput } from "../chat-model.ts";
import { modelErrors } from "../errors.ts";
import type { Generated, GuardedCall, Usage } from "./generate.ts";
import { readJsonAnswer } from "./json-answer.ts";
import { describeSchema, frameText } from "./prompt.ts";

export type StructuredCall<T> = {
  readonly instructions: string;
  readonly text: string;
  readonly schema: z.ZodType<T>;
  readonly schemaName: string;
  readonly maxOutputTokens: number | undefined;
};

type Send = (
  call: Pick<GuardedCall, "instructions" | "messages" | "schema" | "maxOutputTokens">,
) => Promise<Generated>;

// What is repeated to the model of its bad answer: enough to see the fault, not a second document.
const quotedAnswerCharacters = 4000;

/**
 * Asks a chat model for an object of a schema. An answer that can't be read is mended, then asked
 * for once more with what was wrong; then it is `model_bad_output`.
 */
export async function generateStructured<T>(
  model: ChatModel,
  call: StructuredCall<T>,
  send: Send,
): Promise<{ value: T; usage: Usage }> {
  const framed = frameText(call.instructions, call.text);
  const conversation: ModelMessage[] = [{ role: "user", content: framed.prompt }];
  const asked = { ...call, instructions: framed.instructions, messages: conversation };
  const first = await sendInKnownForm(model, asked, send);
  const read = readJsonAnswer(first.text, call.schema);
  if (read.ok) return { value: read.value, usage: first.usage };

  conversation.push(
    { role: "assistant", content: first.text.slice(0, quotedAnswerCharacters).trim() || "(nothing)" },
    {
      role: "user",
      content: `That answer can't be used: ${read.problem}. Answer again with the complete, corrected JSON object only.`,
    },
  );
  const second = await sendInKnownForm(model, asked, send);
  const reread = readJsonAnswer(second.text, call.schema);
  if (!reread.ok) throw modelErrors.badOutput({ model: model.name, details: { problem: reread.problem } });
  return { value: reread.value, usage: addUsage(first.usage, second.usage) };
}

type AskedCall<T> = StructuredCall<T> & { readonly messages: ModelMessage[] };

/**
 * Sends with the form of structured output that the server is known to take. A server that rejects
 * the form is asked without it; if that works, the process remembers.
 */
async function sendInKnownForm<T>(model: ChatModel, call: AskedCall<T>, send: Send): Promise<Generated> {
  const form = model.structuredOutput.current;
  try {
    return await send(inForm(form, call));
  } catch (error) {
    const isRejected = isMillraceError(error) && error.code === "model_request_rejected";
    if (!isRejected || form.kind === "prompt" || !form.mayFallBack) throw error;
    const generated = await send(inForm(inWords, call));
    model.structuredOutput.current = inWords;
    return generated;
  }
}

const inWords: StructuredOutput = { kind: "prompt", mayFallBack: false };

function inForm<T>(form: StructuredOutput, call: AskedCall<T>): Parameters<Send>[0] {
  // Only a provider known to enforce the schema may go without it in words: others drop it silently.
  const isEnforced = form.kind === "schema" && !form.mayFallBack;
  return {
    instructions: isEnforced ? call.instructions : `${call.instructions}\n\n${describeSchema(call.schema)}`,
    messages: call.messages,
    maxOutputTokens: call.maxOutputTokens,
    ...(form.kind === "prompt" ? {} : { schema: { name: call.schemaName, value: call.schema } }),
  };
}

/** The tokens of two calls together; unknown when one of them is. */
export function addUsage(left: Usage, right: Usage): Usage {
  return {
    inputTokens: addKnown(left.inputTokens, right.inputTokens),
    outputTokens: addKnown(left.outputTokens, right.outputTokens),
  };
}

function addKnown(left: number | null, right: number | null): number | null {
  return left === null || right === null ? null : left + right;
}

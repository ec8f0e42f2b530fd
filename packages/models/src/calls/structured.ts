import { isMillraceError } from "@millrace/kernel";
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { z } from "zod";
import type { ChatModel, StructuredOutput } from "../chat-model.ts";
import { modelErrors } from "../errors.ts";
import { addKnown, addTokens } from "../guard/call-tokens.ts";
import type { ChatMessage } from "../turn.ts";
import { readJsonAnswer } from "./json-answer.ts";
import { describeSchema, frameText } from "./prompt.ts";
import type { Made } from "./reuse.ts";

export type StructuredCall<T> = {
  readonly instructions: string;
  readonly text: string;
  readonly schema: z.ZodType<T>;
};

/** One request. `isFormat`: the provider is asked for JSON by its own means too. `attempt`: 2 after a bad answer. */
type Send = (
  prepared: {
    readonly instructions: string;
    readonly messages: readonly ChatMessage[];
    readonly isFormat: boolean;
  },
  attempt: 1 | 2,
) => Promise<Made>;

// What is repeated to the model of its bad answer: enough to see the fault, not a second document.
const quotedAnswerCharacters = 4000;

/**
 * Asks a chat model for an object of a schema, and gives an answer that can be read as one. An answer that can't
 * is mended, then asked for once more with what was wrong; then it is `model_bad_output`.
 */
export async function generateStructured<T>(
  model: ChatModel,
  call: StructuredCall<T>,
  send: Send,
): Promise<Made> {
  const framed = frameText(call.instructions, call.text);
  const conversation: ChatMessage[] = [{ role: "user", text: framed.prompt }];
  const asked = { schema: call.schema, instructions: framed.instructions, messages: conversation };
  const first = await sendInKnownForm(model, asked, (prepared) => send(prepared, 1));
  const read = readJsonAnswer(first.text, call.schema);
  if (read.ok) return first;

  conversation.push(
    { role: "assistant", text: first.text.slice(0, quotedAnswerCharacters).trim() || "(nothing)" },
    {
      role: "user",
      text: `That answer can't be used: ${read.problem}. Answer again with the complete, corrected JSON object only.`,
    },
  );
  const second = await sendInKnownForm(model, asked, (prepared) => send(prepared, 2));
  const reread = readJsonAnswer(second.text, call.schema);
  if (!reread.ok) throw modelErrors.badOutput({ model: model.name, details: { problem: reread.problem } });
  return {
    ...second,
    tokens: addTokens(first.tokens, second.tokens),
    cost: addKnown(first.cost, second.cost),
  };
}

type AskedCall = {
  readonly instructions: string;
  readonly messages: readonly ChatMessage[];
  readonly schema: z.ZodType;
};

/**
 * Sends with the form of structured output that the server is known to take. A server that rejects
 * the form is asked without it; if that works, the process remembers.
 */
async function sendInKnownForm(
  model: ChatModel,
  call: AskedCall,
  send: (prepared: Parameters<Send>[0]) => Promise<Made>,
): Promise<Made> {
  const form = model.structuredOutput.current;
  try {
    return await send(inForm(form, call));
  } catch (error) {
    const isRejected = isMillraceError(error) && error.code === "model_request_rejected";
    if (!isRejected || form.kind === "prompt" || !form.mayFallBack) throw error;
    const made = await send(inForm(inWords, call));
    model.structuredOutput.current = inWords;
    return made;
  }
}

const inWords: StructuredOutput = { kind: "prompt", mayFallBack: false };

function inForm(form: StructuredOutput, call: AskedCall): Parameters<Send>[0] {
  // Only a provider known to enforce the schema may go without it in words: others drop it silently.
  const isEnforced = form.kind === "schema" && !form.mayFallBack;
  return {
    instructions: isEnforced ? call.instructions : `${call.instructions}\n\n${describeSchema(call.schema)}`,
    messages: call.messages,
    isFormat: form.kind !== "prompt",
  };
}

/** What a provider is given to make it answer in JSON of a schema. */
export function jsonFormat(schema: {
  readonly name: string;
  readonly value: z.ZodType;
}): NonNullable<LanguageModelV4CallOptions["responseFormat"]> {
  // Strict servers want every field required and nothing beside them, which is what a schema's output has.
  const json = z.toJSONSchema(schema.value, { io: "output", target: "draft-7" });
  return { type: "json", name: schema.name, schema: json };
}

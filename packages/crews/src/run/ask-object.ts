import { readJsonAnswer } from "@millrace/models";
import type { ChatMessage, JsonAnswer } from "@millrace/models";
import type { z } from "zod";
import { repairPrompt, schemaPrompt } from "../prompts/schema-prompt.ts";
import { stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import { takeTurn } from "./take-turn.ts";
import type { Turn } from "./take-turn.ts";

/** The first try and two more with what was wrong. */
const maxTurns = 3;

export type Question<Value> = Omit<Turn, "messages" | "tools" | "toolChoice"> & {
  readonly text: string;
  readonly schema: z.ZodType<Value>;
};

/** Asks a model for one object, and again with what was wrong, at most three times. */
export async function askObject<Value>(run: Run, question: Question<Value>): Promise<JsonAnswer<Value>> {
  const { text, schema, ...turn } = question;
  let messages: readonly ChatMessage[] = [{ role: "user", text: `${text}\n\n${schemaPrompt(schema)}` }];
  let problem = "";
  for (let attempt = 1; attempt <= maxTurns; attempt++) {
    const record = await takeTurn(run, { ...turn, key: stepKey(turn.key, "turn", attempt), messages });
    if (record.outcome === "failed") {
      problem = record.message;
      continue;
    }
    const read = readJsonAnswer(record.text, schema);
    if (read.ok) return read;
    problem = read.problem;
    // Providers refuse empty messages, and an empty answer teaches nothing.
    if (record.text.trim() === "") continue;
    messages = [
      ...messages,
      { role: "assistant", text: record.text },
      { role: "user", text: repairPrompt(read.problem) },
    ];
  }
  return { ok: false, problem };
}

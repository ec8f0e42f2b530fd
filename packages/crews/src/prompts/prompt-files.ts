import { readPrompts } from "@millrace/models";
import type { Prompt } from "@millrace/models";

let prompts: ReadonlyMap<string, Prompt> | undefined;

/** What models are told first, with its name and version; read when it is first needed. */
export function promptOf(name: "crew.agent" | "crew.guardrail" | "crew.plan" | "crew.summary"): Prompt {
  prompts ??= readPrompts(new URL("texts/", import.meta.url));
  const prompt = prompts.get(name);
  if (prompt === undefined) throw new Error(`The file of the prompt ${name} is missing.`);
  return prompt;
}

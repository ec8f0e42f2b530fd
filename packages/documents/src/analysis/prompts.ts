import type { PartName } from "@millrace/contracts";
import { fillPrompt, readPrompts } from "@millrace/models";
import type { Prompt } from "@millrace/models";

/** What a model is told, and which prompt it is by. */
export type Instructions = { readonly text: string; readonly prompt: string };

type Subject = { readonly language: string | null };

/** Where the prompts of documents are. */
export const promptFolder = new URL("../prompts/", import.meta.url);

let prompts: ReadonlyMap<string, Prompt> | undefined;

function promptOf(name: string): Prompt {
  prompts ??= readPrompts(promptFolder);
  const prompt = prompts.get(`document.${name}`);
  if (prompt === undefined) throw new Error(`there is no prompt document.${name}`);
  return prompt;
}

/** Asks for a part of the analysis of a text, or of one stretch of a long one; `analysis` asks for several. */
export function analysisInstructions(
  what: PartName | "analysis",
  subject: Subject,
  isStretch: boolean,
): Instructions {
  // Not which stretch: the same stretch is asked about in the same words, wherever it stands.
  const extent = isStretch ? " You see one stretch of a longer document; work on this stretch only." : "";
  const prompt = promptOf(what);
  // Evidence is quoted, so that sentiment alone needs no language to write in.
  const values = what === "sentiment" ? { extent } : { extent, language: languageOf(subject) };
  return { text: fillPrompt(prompt, values), prompt: prompt.id };
}

/** Asks for one result out of the results of several stretches. Sentiments are merged by counting. */
export function mergeInstructions(part: Exclude<PartName, "sentiment">, subject: Subject): Instructions {
  const prompt = promptOf(`merge_${part}`);
  return { text: fillPrompt(prompt, { language: languageOf(subject) }), prompt: prompt.id };
}

function languageOf({ language }: Subject): string {
  const name =
    language === null ? undefined : new Intl.DisplayNames(["en"], { type: "language" }).of(language);
  return name ?? "the language of the text";
}

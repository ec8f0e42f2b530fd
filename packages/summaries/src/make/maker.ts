import type { Models } from "@millrace/models";
import type { JobContext } from "@millrace/queue";
import { builtInMaker } from "./built-in-maker.ts";
import { crewMaker } from "./crew-maker.ts";
import type { MakeInput, MakeOutput } from "./make-task.ts";

export type MakeRequest = {
  readonly context: JobContext<MakeInput>;
  readonly text: string;
  /** ISO 639-1; null when it can't be told. */
  readonly textLanguage: string | null;
  /** The language to write in; null: that of the text. */
  readonly language: string | null;
  /** `fresh`: asks anew, though answers to the same questions are stored. */
  readonly answers: "reuse" | "fresh";
};

export type Maker = {
  /** Who makes it and how: the same text and recipe give the same summary. */
  readonly recipe: string;
  /** Makes the summary, in durable steps. Throws the errors of models and crews. */
  readonly make: (
    request: MakeRequest,
  ) => Promise<Omit<MakeOutput, "text_language" | "reused_from" | "reused_score">>;
};

/** Whose calls a summary takes: those of the crew's one agent. */
const purpose = "crew.agent";

/** The crew when there is a chat model for it, else the built-in summary. */
export async function chooseMaker(models: Models): Promise<Maker> {
  const chat = models.chatFor(purpose);
  return chat.builtIn ? builtInMaker(models, chat) : await crewMaker(models);
}

/** The built-in summary where the settings say that it takes the place of models that failed so. */
export function makerAfter(error: unknown, models: Models): Maker | undefined {
  const builtIn = models.builtInAfter(error, purpose);
  return builtIn === undefined ? undefined : builtInMaker(models, builtIn);
}

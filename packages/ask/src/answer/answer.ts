import type { Citation } from "@millrace/contracts";
import type { Models } from "@millrace/models";
import type { JobContext } from "@millrace/queue";
import type { ReadPassage } from "../retrieval/retrieve.ts";
import type { AnswerInput } from "./answer-task.ts";

export type AnswerRequest = {
  readonly context: JobContext<AnswerInput>;
  readonly question: string;
  /** Best first; at least one. */
  readonly passages: readonly ReadPassage[];
  /** `fresh`: asks anew, though an answer to the same call is stored. */
  readonly answers: "reuse" | "fresh";
};

/** What a step gave: checked against the texts that the model read. JSON, so that it survives the attempt. */
export type GivenAnswer = {
  /** Empty when nothing was found. */
  readonly answer: string;
  readonly citations: readonly Citation[];
  readonly removed: number;
  readonly model: string;
  readonly extractive: boolean;
  readonly prompts: readonly string[];
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
};

/** Whose models answer. */
export const purpose = "ask.answer";

export type AskModels = Pick<Models, "generateObject" | "chatFor" | "builtInAfter">;

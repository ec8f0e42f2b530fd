import type { QueryAccess } from "@millrace/database";
import type { Models } from "@millrace/models";
import { defineTask } from "@millrace/queue";
import type { NewEvent, WriteScope } from "@millrace/queue";
import { z } from "zod";

const inputSchema = z.object({ summary_id: z.uuid() });
export type MakeInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({
  result: z.string(),
  text_language: z.string().nullable(),
  model: z.string(),
  extractive: z.boolean(),
  coverage: z.number(),
  prompts: z.array(z.string()),
  input_tokens: z.number().nullable(),
  output_tokens: z.number().nullable(),
  cost: z.number().nullable(),
  /** The summary of the same or nearly the same text that it was taken from. */
  reused_from: z.uuid().nullable(),
  /** How much the texts agree. Left out by older versions, which took only the same text over. */
  reused_score: z.number().nullable().default(null),
});
export type MakeOutput = z.infer<typeof outputSchema>;

/** One text to one summary. */
export const makeSummary = defineTask<MakeInput, MakeOutput>({
  name: "summary.make",
  description:
    "Summarises a text: by a crew of one with a chat model, else by the built-in one, which takes sentences out of it.",
  queue: "summaries",
  input: inputSchema,
  output: outputSchema,
});

export type MakeParts = {
  readonly database: QueryAccess;
  readonly models: Models;
  /**
   * How near texts must be, as a cosine, for one summary to do for both; more than 1: it must be the same text.
   * Default: by the embedding model.
   */
  readonly leastSimilarity?: number | undefined;
  /** The queue's: events of a summary's stream when no attempt is there to emit them. */
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
};

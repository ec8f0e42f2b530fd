import { citationSchema, nearestPassageSchema, questionOutcomes } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import type { Models } from "@millrace/models";
import { defineTask } from "@millrace/queue";
import type { NewEvent, WriteScope } from "@millrace/queue";
import { z } from "zod";
import type { AskLibrary } from "../ask-library.ts";

const inputSchema = z.object({ question_id: z.uuid() });
export type AnswerInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({
  outcome: z.enum(questionOutcomes),
  answer: z.string(),
  citations: z.array(citationSchema),
  removed_citations: z.number(),
  nearest: z.array(nearestPassageSchema),
  passages_read: z.number(),
  /** Null when no model was asked. */
  model: z.string().nullable(),
  extractive: z.boolean(),
  prompts: z.array(z.string()),
  input_tokens: z.number().nullable(),
  output_tokens: z.number().nullable(),
  cost: z.number().nullable(),
});
export type AnswerOutput = z.infer<typeof outputSchema>;

/** One question to one answer. A person waits for it: it is done on the queue of those. */
export const answerQuestion = defineTask<AnswerInput, AnswerOutput>({
  name: "ask.answer",
  description:
    "Answers a question out of the owner's documents, with citations that were looked up in their text: by a chat model, else by the built-in one, which quotes sentences.",
  queue: "chat",
  input: inputSchema,
  output: outputSchema,
  softLimitMs: 120_000,
  hardLimitMs: 180_000,
});

export type AnswerParts = AskLibrary & {
  readonly database: Database;
  readonly models: Models;
  /** The queue's: events of a question's stream when no attempt is there to emit them. */
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
};

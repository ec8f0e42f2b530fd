import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";
import { jobSchema, progressSchema, putOffSchema } from "./job.ts";
import { searchFilterSchema } from "./search.ts";

export const questionStates = ["queued", "processing", "completed", "failed", "cancelled"] as const;
export const questionStateSchema = z.enum(questionStates);
export type QuestionState = z.infer<typeof questionStateSchema>;

/** Whether nothing is being done for a question in this state. */
export function isQuestionOver(state: QuestionState): boolean {
  return state !== "queued" && state !== "processing";
}

export const askFiltersSchema = z.strictObject(searchFilterSchema.shape);

export const createQuestionSchema = z
  .strictObject({
    question: z.string().trim().min(1).max(2000),
    /** Only in these documents. Default: all. */
    document_ids: z.array(idSchema).min(1).max(100).optional(),
    /** Only in documents for which all of it is so, as in a search. */
    filters: askFiltersSchema.optional(),
    /** Asks the model anew though the same was asked of the same passages before. */
    fresh: z.boolean().optional(),
  })
  .meta({ id: "CreateQuestion" });
export type CreateQuestion = z.infer<typeof createQuestionSchema>;

const place = {
  document_id: idSchema,
  /** As it was when the question was answered. */
  document_title: z.string(),
  /** The passage. */
  chunk_id: idSchema,
  /** On which `char_start` is. */
  page: z.int().nullable(),
  /** The headings above `char_start`, outermost first, such as `Install › With Docker`. */
  section: z.string().nullable(),
  /** Character offsets in the document's text. */
  char_start: z.int(),
  char_end: z.int(),
};

export const citationSchema = z
  .object({
    /** What stands for it in the answer: `[1]`. Quotes of one passage have the same number. */
    number: z.int(),
    ...place,
    /** What stands in the document between the offsets, word for word. */
    quote: z.string(),
  })
  .meta({ id: "Citation" });
export type Citation = z.infer<typeof citationSchema>;

export const nearestPassageSchema = z
  .object({
    ...place,
    /** The part of it that is nearest to the question. */
    excerpt: z.string(),
  })
  .meta({ id: "NearestPassage" });
export type NearestPassage = z.infer<typeof nearestPassageSchema>;

export const questionOutcomes = ["answered", "not_found"] as const;

export const questionSchema = z
  .object({
    id: idSchema,
    question: z.string(),
    document_ids: z.array(idSchema).nullable(),
    filters: askFiltersSchema.nullable(),
    state: questionStateSchema,
    /** `not_found`: the documents that were looked in do not say it. Null until it is completed. */
    outcome: z.enum(questionOutcomes).nullable(),
    /** With `[1]` for the citation of that number; null until it is completed. */
    answer: z.string().nullable(),
    /** Of a failed or cancelled one: what was written until then. Unchecked, and no answer. */
    partial_answer: z.string().nullable(),
    /** Every one is in the text of its document. */
    citations: z.array(citationSchema),
    /** How many citations the model gave that are not in the text: they were removed. */
    removed_citations: z.int(),
    /** The nearest passages, when nothing was found. */
    nearest: z.array(nearestPassageSchema),
    /** How many passages were read; null until it is completed. */
    passages_read: z.int().nullable(),
    /** Which model answered; null until it is completed, and when none was asked because no passage fits. */
    model: z.string().nullable(),
    /** True when the built-in model answered: sentences taken from the documents, not written. */
    extractive: z.boolean(),
    /** Names and versions of the prompts; none for the built-in model. */
    prompts: z.array(z.string()),
    /** Null until it is completed. `cost` is in US dollars, null when it is unknown. */
    usage: z
      .object({
        input_tokens: z.number().nullable(),
        output_tokens: z.number().nullable(),
        cost: z.number().nullable(),
      })
      .nullable(),
    error: z.string().nullable(),
    error_code: z.string().nullable(),
    created_at: momentSchema,
    updated_at: momentSchema,
    started_at: momentSchema.nullable(),
    finished_at: momentSchema.nullable(),
    job_id: idSchema,
    progress: progressSchema.nullable(),
    /** Why it waits and until when: a limit, a budget, a server that is away, or a try that failed. */
    put_off: putOffSchema.nullable(),
    links: z.object({ self: z.string(), events: z.string(), cancel: z.string() }),
  })
  .meta({ id: "Question" });
export type Question = z.infer<typeof questionSchema>;

export const questionListQuerySchema = pageQuerySchema.extend({ state: questionStateSchema.optional() });

export const acceptedQuestionSchema = z
  .object({ question: questionSchema, job: jobSchema })
  .meta({ id: "AcceptedQuestion" });
export type AcceptedQuestion = z.infer<typeof acceptedQuestionSchema>;

/** What a subscriber of `ask:<id>` gets first. */
export const questionSnapshotSchema = z.object({ question: questionSchema, job: jobSchema.nullable() });
export type QuestionSnapshot = z.infer<typeof questionSnapshotSchema>;

/** The events of a question's stream and their data, beside `ask.logged`. */
export const askEventSchemas = {
  /** Accepted, or to be tried again by a person: work is waiting. */
  "ask.queued": z.object({ job_id: z.string(), message: z.string() }),
  /** An attempt begins. What was told of the answer before is void. */
  "ask.started": z.object({ attempt: z.int() }),
  "ask.progressed": z.object({
    percent: z.number(),
    stage: z.string().nullable(),
    message: z.string().nullable(),
  }),
  /** The passages that will be read. */
  "ask.retrieved": z.object({ passages: z.int(), documents: z.int() }),
  /** A piece of the answer as the model writes it, unchecked. `reset`: what was told of it before is void. */
  "ask.text_written": z.object({ text: z.string(), reset: z.boolean() }),
  /** An attempt failed and the job will be tried again. */
  "ask.retry_scheduled": z.object({
    attempt: z.int(),
    error: z.string(),
    error_code: z.string(),
    retry_in_seconds: z.number(),
  }),
  /** A limit or a budget is used up, or the model server is away: no failure, and it goes on by itself. */
  "ask.put_off": z.object({ error: z.string(), error_code: z.string(), retry_in_seconds: z.number() }),
  "ask.completed": z.object({
    outcome: z.enum(questionOutcomes),
    answer: z.string(),
    citations: z.array(citationSchema),
    removed_citations: z.int(),
    model: z.string().nullable(),
    extractive: z.boolean(),
  }),
  "ask.failed": z.object({ error: z.string(), error_code: z.string() }),
  "ask.cancelled": z.object({ message: z.string() }),
} as const;

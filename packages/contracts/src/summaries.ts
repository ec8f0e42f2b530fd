import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";
import { jobSchema, progressSchema, putOffSchema } from "./job.ts";

export const summaryStates = ["queued", "processing", "completed", "failed", "cancelled"] as const;
export const summaryStateSchema = z.enum(summaryStates);
export type SummaryState = z.infer<typeof summaryStateSchema>;

/** Whether nothing is being done for a summary in this state. */
export function isSummaryOver(state: SummaryState): boolean {
  return state !== "queued" && state !== "processing";
}

/** As many characters as one summary is made of; a longer text is a document. */
export const maxSummaryTextCharacters = 1_000_000;

export const createSummarySchema = z
  .strictObject({
    text: z.string(),
    title: z.string().trim().min(1).max(255).optional(),
    /** The language to write in, such as `en` or `pt-BR`. Default: that of the text. */
    language: z
      .string()
      .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$/, "must be a language code such as en or pt-BR")
      .optional(),
    /** Makes a new one though the same text has been summarised before. */
    fresh: z.boolean().optional(),
  })
  .meta({ id: "CreateSummary" });
export type CreateSummary = z.infer<typeof createSummarySchema>;

export const summarySchema = z
  .object({
    id: idSchema,
    title: z.string(),
    state: summaryStateSchema,
    /** How the text begins. */
    excerpt: z.string(),
    text_length: z.int(),
    /** SHA-256 of the text as it is stored. */
    text_hash: z.string(),
    /** The language asked for. */
    language: z.string().nullable(),
    /** The language of the text; null until it is known, and when it can't be told. */
    text_language: z.string().nullable(),
    /** The summary; null until it is completed. */
    result: z.string().nullable(),
    /** Which model made it, such as `builtin:extractive-1`; after a fallback more than one. */
    model: z.string().nullable(),
    /** True when the built-in model made it: sentences taken from the text, not written. */
    extractive: z.boolean(),
    /** Names and versions of the prompts that made it; none for the built-in model. */
    prompts: z.array(z.string()),
    /** The share of the text that it is about, 0 to 1; null until it is completed. */
    coverage: z.number().nullable(),
    /** Null until it is completed. `cost` is in US dollars, null when it is unknown. */
    usage: z
      .object({
        input_tokens: z.number().nullable(),
        output_tokens: z.number().nullable(),
        cost: z.number().nullable(),
      })
      .nullable(),
    /** The summary that it was taken from. `score` is 1 for the same text; less: of one that is nearly the same. */
    reused_from: z.object({ summary_id: idSchema, score: z.number() }).nullable(),
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
  .meta({ id: "Summary" });
export type Summary = z.infer<typeof summarySchema>;

/** One summary with the text it is made of. */
export const summaryDetailSchema = summarySchema.extend({ text: z.string() }).meta({ id: "SummaryDetail" });
export type SummaryDetail = z.infer<typeof summaryDetailSchema>;

export const summaryListQuerySchema = pageQuerySchema.extend({
  state: summaryStateSchema.optional(),
  /** Words, or beginnings of words, of title, summary or text: all of them. */
  search: z.string().trim().min(1).max(200).optional(),
});

export const acceptedSummarySchema = z
  .object({ summary: summarySchema, job: jobSchema })
  .meta({ id: "AcceptedSummary" });
export type AcceptedSummary = z.infer<typeof acceptedSummarySchema>;

/** What a subscriber of `summary:<id>` gets first. */
export const summarySnapshotSchema = z.object({ summary: summarySchema, job: jobSchema.nullable() });
export type SummarySnapshot = z.infer<typeof summarySnapshotSchema>;

/** The events of a summary's stream and their data, beside `summary.logged` and those of the crew: its text is in `crew.text_written`. */
export const summaryEventSchemas = {
  /** Accepted, or to be tried again by a person: work is waiting. */
  "summary.queued": z.object({ job_id: z.string(), message: z.string() }),
  /** An attempt begins. What was told of the text before is void. */
  "summary.started": z.object({ attempt: z.int() }),
  "summary.progressed": z.object({
    percent: z.number(),
    stage: z.string().nullable(),
    message: z.string().nullable(),
  }),
  /** The same text, or nearly the same, has been summarised before: that result is taken. */
  "summary.found": z.object({ summary_id: z.string(), score: z.number() }),
  /** An attempt failed and the job will be tried again. */
  "summary.retry_scheduled": z.object({
    attempt: z.int(),
    error: z.string(),
    error_code: z.string(),
    retry_in_seconds: z.number(),
  }),
  /** A limit or a budget is used up, or the model server is away: no failure, and it goes on by itself. */
  "summary.put_off": z.object({
    error: z.string(),
    error_code: z.string(),
    retry_in_seconds: z.number(),
  }),
  "summary.completed": z.object({ result: z.string(), model: z.string(), extractive: z.boolean() }),
  "summary.failed": z.object({ error: z.string(), error_code: z.string() }),
  "summary.cancelled": z.object({ message: z.string() }),
} as const;

/** What a client of `/ws/summary/` sends: a text to summarise, or the id of a summary to follow. */
export const summaryRequestSchema = z.union([
  createSummarySchema,
  z.strictObject({
    id: idSchema,
    /** The last number seen: what came after it is told. Default: that of the address, else how it stands now. */
    since: z.int().min(0).optional(),
  }),
]);

/** What `/ws/summary/` sends. `seq` is the number of the event told of, within the summary's stream. */
export const summaryMessageSchema = z.object({
  status: z.enum(["starting", "processing", "info", "done", "error"]),
  /** With `done`: the summary. */
  message: z.string(),
  /** Null when it is about no summary. */
  id: idSchema.nullable(),
  seq: z.int().nullable(),
  /** With `error` only. */
  error_code: z.string().optional(),
});
export type SummaryMessage = z.infer<typeof summaryMessageSchema>;

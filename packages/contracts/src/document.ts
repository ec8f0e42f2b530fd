import { z } from "zod";
import { collectionReferenceSchema, tagSchema, tagsSchema } from "./collection.ts";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";
import { jobSchema, progressSchema, putOffSchema } from "./job.ts";

export const documentStatuses = [
  "uploaded",
  "processing",
  "completed",
  "partial",
  "failed",
  "cancelled",
] as const;
export const documentStatusSchema = z.enum(documentStatuses);
export type DocumentStatus = z.infer<typeof documentStatusSchema>;

/** Whether nothing is being done for a document in this status. */
export function isSettled(status: DocumentStatus): boolean {
  return status !== "uploaded" && status !== "processing";
}

export const fileTypes = [
  "pdf",
  "docx",
  "xlsx",
  "xls",
  "pptx",
  "odt",
  "ods",
  "odp",
  "rtf",
  "html",
  "markdown",
  "text",
  "csv",
  "tsv",
  "eml",
  "image",
] as const;
export const fileTypeSchema = z.enum(fileTypes);
export type FileType = z.infer<typeof fileTypeSchema>;

export const partNames = ["summary", "key_points", "sentiment", "topics"] as const;
export const partNameSchema = z.enum(partNames);
export type PartName = z.infer<typeof partNameSchema>;

export const partStates = ["pending", "running", "done", "failed", "unavailable"] as const;
export const partStateSchema = z.enum(partStates);
export type PartState = z.infer<typeof partStateSchema>;

export const sentimentLabels = ["positive", "negative", "neutral", "mixed"] as const;

export const summaryResultSchema = z.object({ text: z.string() });
export const keyPointsResultSchema = z.object({ points: z.array(z.string()) });
export const sentimentResultSchema = z.object({
  label: z.enum(sentimentLabels),
  /** -1 (negative) to 1 (positive). */
  score: z.number().min(-1).max(1),
  /** The sentences that decided, or the model's reason. */
  evidence: z.array(z.string()),
});
export const topicsResultSchema = z.object({ topics: z.array(z.string()) });

/** A part that is being made again, or could not be; what was there before stays meanwhile. */
export const partRerunSchema = z.object({
  state: z.enum(["running", "failed"]),
  /** The model that was asked for; null: the one that is set up for it. */
  model: z.string().nullable(),
  job_id: idSchema,
  /** Why it failed, for people. */
  reason: z.string().nullable(),
  error_code: z.string().nullable(),
  started_at: momentSchema,
});

const partBase = {
  state: partStateSchema,
  /** Why the part failed or is unavailable, for people. */
  reason: z.string().nullable(),
  error_code: z.string().nullable(),
  /** Which model produced it, such as `builtin:extractive-1` or `openai-compatible:gemma3`. */
  model: z.string().nullable(),
  /** True when the built-in extractive model made it: sentences taken from the text, not written. */
  extractive: z.boolean(),
  /** Names and versions of the prompts that made it, such as `document.summary@1`; none for the built-in model. */
  prompts: z.array(z.string()),
  /** The share of the text that it is about, 0 to 1; null until it is done. */
  coverage: z.number().nullable(),
  started_at: momentSchema.nullable(),
  finished_at: momentSchema.nullable(),
  /** Null when it is not being made again. */
  rerun: partRerunSchema.nullable(),
};

export const analysisSchema = z
  .object({
    document_id: idSchema,
    summary: z.object({ ...partBase, result: summaryResultSchema.nullable() }),
    key_points: z.object({ ...partBase, result: keyPointsResultSchema.nullable() }),
    sentiment: z.object({ ...partBase, result: sentimentResultSchema.nullable() }),
    topics: z.object({ ...partBase, result: topicsResultSchema.nullable() }),
    /** 0, 25, 50, 75 or 100: the share of parts that are done or unavailable. */
    completion_percentage: z.number(),
    is_complete: z.boolean(),
  })
  .meta({ id: "Analysis" });
export type Analysis = z.infer<typeof analysisSchema>;

export const documentSchema = z
  .object({
    id: idSchema,
    title: z.string(),
    file_name: z.string().nullable(),
    file_type: fileTypeSchema.nullable(),
    file_size: z.int(),
    content_hash: z.string(),
    status: documentStatusSchema,
    language: z.string().nullable(),
    page_count: z.int().nullable(),
    /** Characters of extracted text; null until the text is there. */
    text_length: z.int().nullable(),
    /** Which extraction method gave the text. */
    extraction_method: z.string().nullable(),
    /** What a reader should know of the extraction, such as pages without text. */
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
    processing_error: z.string().nullable(),
    processing_error_code: z.string().nullable(),
    processing_started_at: momentSchema.nullable(),
    processing_completed_at: momentSchema.nullable(),
    created_at: momentSchema,
    updated_at: momentSchema,
    job_id: idSchema.nullable(),
    progress: progressSchema.nullable(),
    /** Why it waits and until when: a limit, a budget, a server that is away, or a try that failed. */
    put_off: putOffSchema.nullable(),
    /** In the order of the alphabet. */
    tags: z.array(z.string()),
    /** Those it is in, by name. */
    collections: z.array(z.object({ id: idSchema, name: z.string() })),
    /** An older document with the same bytes, as long as that is there and not in the trash. */
    duplicate_of: idSchema.nullable(),
    /** Since when it is in the trash, and when it is deleted for good; null outside of it. */
    trashed_at: momentSchema.nullable(),
    purge_at: momentSchema.nullable(),
    /** State of each part, for lists; results are at `links.analysis`. */
    parts: z.record(partNameSchema, partStateSchema),
    links: z.object({
      self: z.string(),
      analysis: z.string(),
      text: z.string(),
      logs: z.string(),
      events: z.string(),
    }),
  })
  .meta({ id: "Document" });
export type Document = z.infer<typeof documentSchema>;

export const createDocumentSchema = z
  .strictObject({
    text: z.string(),
    title: z.string().trim().min(1).max(255).optional(),
  })
  .meta({ id: "CreateDocument" });

export const acceptedDocumentSchema = z
  .object({ document: documentSchema, job: jobSchema })
  .meta({ id: "AcceptedDocument" });
export type AcceptedDocument = z.infer<typeof acceptedDocumentSchema>;

/** `PATCH /api/documents/{id}`; what is left out stays. */
export const updateDocumentSchema = z
  .strictObject({
    title: z.string().trim().min(1).max(255).optional(),
    /** All of them: those that are not named are taken away. */
    tags: tagsSchema.optional(),
    /** All of them, by id or name. */
    collections: z.array(collectionReferenceSchema).max(50).optional(),
  })
  .refine((update) => Object.values(update).some((value) => value !== undefined), {
    error: "Say what is to change: title, tags or collections.",
  })
  .meta({ id: "UpdateDocument" });
export type UpdateDocument = z.infer<typeof updateDocumentSchema>;

/** `POST /api/documents/{id}/password` */
export const documentPasswordSchema = z
  .strictObject({
    /** PDF itself looks at no more than the first 127 bytes. */
    password: z.string().min(1).max(255),
  })
  .meta({ id: "DocumentPassword" });

/** Whether it failed because its PDF asks for a password, or for another one than was given. */
export function isLocked(document: Pick<Document, "status" | "processing_error_code">): boolean {
  const { status, processing_error_code: code } = document;
  return status === "failed" && (code === "pdf_encrypted" || code === "pdf_password_wrong");
}

export const documentListQuerySchema = pageQuerySchema.extend({
  status: documentStatusSchema.optional(),
  file_type: fileTypeSchema.optional(),
  /** Part of the title, any case. */
  search: z.string().max(200).optional(),
  tag: tagSchema.optional(),
  /** By id or name, any case. */
  collection: collectionReferenceSchema.optional(),
  /** `true`: what is in the trash, and nothing else. */
  trashed: z.enum(["true", "false"]).optional(),
});

export const documentTextSchema = z
  .object({
    document_id: idSchema,
    text: z.string(),
    /** Character offset of `text` in the whole. */
    offset: z.int(),
    total_length: z.int(),
    next_offset: z.int().nullable(),
  })
  .meta({ id: "DocumentText" });
export type DocumentText = z.infer<typeof documentTextSchema>;

export const documentStatsSchema = z
  .object({
    total: z.int(),
    processing: z.int(),
    completed: z.int(),
    partial: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    total_file_size: z.int(),
    /** Seconds, over the documents that ended well; null when there is none. */
    avg_processing_time: z.number().nullable(),
    /** Documents of the last 7 days. */
    recent_uploads: z.int(),
    /** Documents in the trash, which are in none of the other numbers. */
    trashed: z.int(),
  })
  .meta({ id: "DocumentStats" });
export type DocumentStats = z.infer<typeof documentStatsSchema>;

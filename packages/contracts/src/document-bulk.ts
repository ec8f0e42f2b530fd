import { z } from "zod";
import { collectionReferenceSchema, tagSchema, tagsSchema } from "./collection.ts";
import { idSchema } from "./common.ts";
import { documentStatusSchema, fileTypeSchema } from "./document.ts";
import { jobSchema } from "./job.ts";

/** More ids than a page of any list has; a filter has no such limit. */
export const maxSelectedIds = 1000;

/** Which documents: those of which all that is given is true. */
export const documentSelectionSchema = z
  .strictObject({
    ids: z.array(idSchema).min(1).max(maxSelectedIds).optional(),
    status: documentStatusSchema.optional(),
    file_type: fileTypeSchema.optional(),
    /** Part of the title, any case. */
    search: z.string().max(200).optional(),
    tag: tagSchema.optional(),
    collection: collectionReferenceSchema.optional(),
    /** Those in the trash, or those that are not. Default as the action needs them; to delete, ids may be of both. */
    trashed: z.boolean().optional(),
  })
  .refine((selection) => Object.values(selection).some((value) => value !== undefined), {
    error: "Say which documents: name at least one field. An empty filter would mean all there are.",
  })
  .meta({ id: "DocumentSelection" });
export type DocumentSelection = z.infer<typeof documentSelectionSchema>;

const someTags = tagsSchema.refine((tags) => tags.length > 0, { error: "name at least one tag" });

/** What is done with each document. */
export const documentChangeSchema = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("tag"), tags: someTags }),
  z.strictObject({ action: z.literal("untag"), tags: someTags }),
  z.strictObject({ action: z.literal("add_to_collection"), collection: collectionReferenceSchema }),
  z.strictObject({ action: z.literal("remove_from_collection"), collection: collectionReferenceSchema }),
  z.strictObject({ action: z.literal("trash") }),
  z.strictObject({ action: z.literal("restore") }),
  /** For good. */
  z.strictObject({ action: z.literal("delete") }),
  /** Everything from the bytes on, again. */
  z.strictObject({ action: z.literal("reprocess") }),
]);
export type DocumentChange = z.infer<typeof documentChangeSchema>;
export type DocumentAction = DocumentChange["action"];

/** `POST /api/documents/bulk` */
export const documentBulkRequestSchema = z
  .strictObject({
    filter: documentSelectionSchema,
    change: documentChangeSchema,
    /** How many there are, as you saw it. With another number nothing is done, and the answer is 409. */
    expected_count: z.int().min(0).optional(),
    /** Counts them and changes none: `matched` is the answer. Default false. */
    dry_run: z.boolean().optional(),
  })
  .meta({ id: "DocumentBulkRequest" });

export const documentBulkCountsSchema = z.object({
  /** Documents that the filter fitted when it began, and ids that were named. */
  matched: z.int(),
  changed: z.int(),
  /** Those that were so already. */
  unchanged: z.int(),
  failed: z.int(),
  /** Why single documents could not be changed, at most 100. */
  errors: z.array(z.object({ id: idSchema, code: z.string(), message: z.string() })),
});
export type DocumentBulkCounts = z.infer<typeof documentBulkCountsSchema>;

export const documentBulkResultSchema = documentBulkCountsSchema
  .extend({
    /** Does the work where it is much, and returns the counts; null when it is done. */
    job: jobSchema.nullable(),
  })
  .meta({ id: "DocumentBulkResult" });
export type DocumentBulkResult = z.infer<typeof documentBulkResultSchema>;

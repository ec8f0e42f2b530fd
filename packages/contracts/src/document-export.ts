import { z } from "zod";
import { idSchema } from "./common.ts";
import { analysisSchema, documentListQuerySchema, documentSchema } from "./document.ts";

export const exportFormats = ["json", "jsonl", "markdown", "csv", "zip"] as const;
export const exportFormatSchema = z.enum(exportFormats);
export type ExportFormat = z.infer<typeof exportFormatSchema>;

/** As many as fit into an address that every proxy takes. */
export const maxExportedIds = 200;

/** What `GET /api/documents/export` takes: the filters of the list, or ids, and how it is written. */
export const documentExportQuerySchema = documentListQuerySchema
  .omit({ limit: true, cursor: true, trashed: true })
  .extend({
    format: exportFormatSchema.default("json"),
    /** Only these, with a comma between; the filters hold as well. */
    ids: z
      .string()
      .transform((ids) => ids.split(",").map((id) => id.trim()))
      .pipe(z.array(idSchema).min(1).max(maxExportedIds))
      .optional(),
    /** The stored files too; in a zip only. */
    include: z.enum(["original"]).optional(),
  });

/** One document of an export as JSON. */
export const exportedDocumentSchema = z
  .object({
    document: documentSchema,
    analysis: analysisSchema,
    /** The whole text; null when there is none. */
    text: z.string().nullable(),
    /** In a zip with originals: where the stored file is in it; null without one. */
    original: z.string().nullable().optional(),
  })
  .meta({ id: "ExportedDocument" });
export type ExportedDocument = z.infer<typeof exportedDocumentSchema>;

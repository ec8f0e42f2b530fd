import { z } from "zod";
import { idSchema } from "./common.ts";
import { acceptedDocumentSchema, fileTypeSchema } from "./document.ts";

/** A stretch of the text: character offsets, the end not included. */
const rangeShape = { char_start: z.int(), char_end: z.int() };

export const documentOutlineSchema = z
  .object({
    document_id: idSchema,
    /** Characters; 0 while there is no text. */
    total_length: z.int(),
    /** Pages, slides or sheets in their order; empty where the format has none. */
    pages: z.array(z.object({ page: z.int(), ...rangeShape })),
    /** Headings in their order, at most 2,000. */
    sections: z.array(
      z.object({
        title: z.string(),
        /** 1 to 6. */
        level: z.int(),
        char_start: z.int(),
        page: z.int().nullable(),
      }),
    ),
    /** Where to cut the text to show it piece by piece: at pages, paragraphs or lines wherever there are any. */
    cuts: z.array(z.int()),
  })
  .meta({ id: "DocumentOutline" });
export type DocumentOutline = z.infer<typeof documentOutlineSchema>;

export const similarDocumentsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(50).default(10),
  /** Documents that are less alike are left out. Default: what is near enough for the model to mean something. */
  min_score: z.coerce.number().min(-1).max(1).optional(),
});

export const similarDocumentsSchema = z
  .object({
    data: z.array(
      z.object({
        document_id: idSchema,
        title: z.string(),
        file_type: fileTypeSchema.nullable(),
        /** The cosine of the means of both documents' vectors, -1 to 1. */
        score: z.number(),
        /** The passage of it that is most like this document as a whole. */
        passage: z.object({
          ...rangeShape,
          page: z.int().nullable(),
          section: z.string().nullable(),
          text: z.string(),
        }),
      }),
    ),
    /** Whose vectors were compared; null when none were. */
    model: z.string().nullable(),
    /** Why none were: `not_embedded` while this document has none, `index_broken` until upkeep has mended it. */
    reason: z.enum(["not_embedded", "index_broken"]).nullable(),
  })
  .meta({ id: "SimilarDocuments" });
export type SimilarDocuments = z.infer<typeof similarDocumentsSchema>;

export const rerunPartSchema = z
  .strictObject({
    /** One of `models.chat_choices` of `GET /api/system`. Default: the one that is set up for the part. */
    model: z.string().trim().min(1).max(200).optional(),
  })
  .meta({ id: "RerunPart" });

/** What became of one file of an upload of several. */
export const uploadedFileSchema = z
  .object({
    /** Its place in the upload, from 0. */
    index: z.int(),
    file_name: z.string(),
    ...acceptedDocumentSchema.partial().shape,
    /** Why it was not taken; the others are not affected. */
    error: z.object({ code: z.string(), message: z.string() }).optional(),
  })
  .meta({ id: "UploadedFile" });
export type UploadedFile = z.infer<typeof uploadedFileSchema>;

export const uploadedFilesSchema = z
  .object({
    files: z.array(uploadedFileSchema),
    accepted: z.int(),
    refused: z.int(),
  })
  .meta({ id: "UploadedFiles" });
export type UploadedFiles = z.infer<typeof uploadedFilesSchema>;

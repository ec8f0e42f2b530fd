import { z } from "zod";
import { idSchema } from "./common.ts";

export const searchQuerySchema = z.strictObject({
  q: z.string().trim().min(1).max(1000),
  limit: z.coerce.number().int().min(1).max(50).default(20),
});

/** A run of text; `match` marks what the query hit. Rendered as text, never as HTML. */
export const highlightSchema = z.object({ text: z.string(), match: z.boolean() });
export type Highlight = z.infer<typeof highlightSchema>;

export const searchHitSchema = z
  .object({
    document_id: idSchema,
    document_title: z.string(),
    chunk_id: idSchema,
    ordinal: z.int(),
    /** Character offsets of the passage in the document's text. */
    char_start: z.int(),
    char_end: z.int(),
    page: z.int().nullable(),
    score: z.number(),
    passage: z.array(highlightSchema),
  })
  .meta({ id: "SearchHit" });
export type SearchHit = z.infer<typeof searchHitSchema>;

export const searchResultSchema = z
  .object({
    query: z.string(),
    mode: z.literal("full_text"),
    data: z.array(searchHitSchema),
    took_ms: z.number(),
    /** Documents whose text is not searchable yet. */
    still_indexing: z.int(),
  })
  .meta({ id: "SearchResult" });
export type SearchResult = z.infer<typeof searchResultSchema>;

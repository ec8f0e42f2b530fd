import { z } from "zod";
import { collectionReferenceSchema, tagSchema } from "./collection.ts";
import { givenDaySchema, givenMomentSchema, idSchema } from "./common.ts";
import { fileTypeSchema, sentimentLabels } from "./document.ts";

/** By words, by vectors, or by both. */
export const searchModes = ["full_text", "vectors", "hybrid"] as const;

const dayOrMoment = z.union([givenDaySchema, givenMomentSchema]);

/** What restricts a search to some documents. */
export const searchFilterSchema = z.object({
  /** Part of the document's title, any case. */
  title: z.string().trim().min(1).max(200).optional(),
  file_type: fileTypeSchema.optional(),
  /** ISO 639-1, such as `en`. */
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/)
    .optional(),
  sentiment: z.enum(sentimentLabels).optional(),
  tag: tagSchema.optional(),
  /** By id or name, any case. */
  collection: collectionReferenceSchema.optional(),
  created_after: dayOrMoment.optional(),
  created_before: dayOrMoment.optional(),
});

export const searchQuerySchema = z.strictObject({
  ...searchFilterSchema.shape,
  /** Words, "a phrase", -without, and fields: title, type, language, sentiment, tag, collection, after, before. */
  q: z.string().trim().min(1).max(1000),
  limit: z.coerce.number().int().min(1).max(50).default(20),
  cursor: z.string().max(500).optional(),
  /** One side alone, to compare them. */
  mode: z.enum(searchModes).default("hybrid"),
  /** How each score came about. */
  explain: z.enum(["true", "false"]).default("false"),
});

/** A run of text; `match` marks what the query hit. Rendered as text, never as HTML. */
export const highlightSchema = z.object({ text: z.string(), match: z.boolean() });
export type Highlight = z.infer<typeof highlightSchema>;

const side = {
  /** The place on this side, from 1. */
  rank: z.int(),
  weight: z.number(),
  /** What it adds to the hit's score. */
  contribution: z.number(),
};
export const scoreExplanationSchema = z
  .object({
    /** Null: full text did not find it. `coverage`: the share of the query's words in it. */
    full_text: z.object({ ...side, score: z.number(), coverage: z.number() }).nullable(),
    /** Null: it is not among the nearest. `similarity`: the cosine. */
    vectors: z.object({ ...side, similarity: z.number() }).nullable(),
  })
  .meta({ id: "ScoreExplanation" });
export type ScoreExplanation = z.infer<typeof scoreExplanationSchema>;

export const searchHitSchema = z
  .object({
    document_id: idSchema,
    document_title: z.string(),
    chunk_id: idSchema,
    ordinal: z.int(),
    /** Character offsets of the passage in the document's text. */
    char_start: z.int(),
    char_end: z.int(),
    /** Of the first match that is marked in `passage`; of the passage's beginning when none is. */
    page: z.int().nullable(),
    /** The headings above that place, outermost first, such as `Install › With Docker`. */
    section: z.string().nullable(),
    score: z.number(),
    passage: z.array(highlightSchema),
    /** Only with `explain=true`. */
    explanation: scoreExplanationSchema.optional(),
  })
  .meta({ id: "SearchHit" });
export type SearchHit = z.infer<typeof searchHitSchema>;

export const vectorUseSchema = z
  .object({
    /** `exact`: every vector compared; `index`: by the approximate index; `reordered`: only those of what full text found. */
    method: z.enum(["exact", "index", "reordered", "none"]),
    model: z.string(),
    /** Why vectors took no part: an error code, or `not_embedded` while nothing has a vector of the model. */
    reason: z.string().nullable(),
  })
  .meta({ id: "VectorUse" });

export const searchResultSchema = z
  .object({
    query: z.string(),
    /** What was searched: less than asked for when vectors took no part. */
    mode: z.enum(searchModes),
    data: z.array(searchHitSchema),
    next_cursor: z.string().nullable(),
    has_more: z.boolean(),
    /** No passage holds half of the words and none is near in meaning: what is listed is the nearest there is. */
    no_good_match: z.boolean(),
    vectors: vectorUseSchema,
    took_ms: z.number(),
    /** Documents whose text is not searchable yet. */
    still_indexing: z.int(),
  })
  .meta({ id: "SearchResult" });
export type SearchResult = z.infer<typeof searchResultSchema>;

export const embeddingSpaceSchema = z
  .object({
    id: idSchema,
    /** Such as `openai:text-embedding-3-small`. */
    model: z.string(),
    /** EMBEDDING_REVISION, as it was; empty when none was set. */
    revision: z.string(),
    /** Null until the first vectors came. */
    dimensions: z.int().nullable(),
    built_in: z.boolean(),
    /** `active`: answers queries; `building`: is being filled; `retired`: is dropped about an hour later. */
    status: z.enum(["active", "building", "retired"]),
    /** Passages up to where its filling has come, all with a vector of it, and those there were when it last went on. */
    passages: z.object({ done: z.int(), total: z.int() }),
    /** Null while nothing is known of the pace, and while it is paused. */
    eta_seconds: z.int().nullable(),
    /** Of embedding all passages, in US dollars, by estimated tokens and list prices; null when the price is not known. */
    estimated_cost: z.number().nullable(),
    /** Why its filling does not go on. */
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    paused_at: z.string().nullable(),
    created_at: z.string(),
    activated_at: z.string().nullable(),
    retired_at: z.string().nullable(),
  })
  .meta({ id: "EmbeddingSpace" });
export type EmbeddingSpace = z.infer<typeof embeddingSpaceSchema>;

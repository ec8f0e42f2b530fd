import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";

/** One spelling for what people mean as one name: compatible characters, lower case, single spaces. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().replaceAll(/\s+/gu, " ").trim();
}

/** Tags of one document. */
export const maxTags = 50;

/** A tag as it is kept: `foldName` of what was given. Commas and quotation marks stand between tags. */
export const tagSchema = z
  .string()
  .max(200)
  .transform(foldName)
  .pipe(
    z
      .string()
      .min(1)
      .max(60)
      .regex(/^[^,"“”\p{Cc}\p{Zl}\p{Zp}]*$/u, "must be without commas and quotation marks"),
  );
export const tagsSchema = z
  .array(tagSchema)
  .max(maxTags)
  .transform((tags) => [...new Set(tags)]);

const nameSchema = z
  .string()
  .transform((name) => name.replaceAll(/\s+/gu, " ").trim())
  .pipe(
    z
      .string()
      .min(1)
      .max(100)
      .regex(/^[^"“”\p{Cc}]*$/u, "must be without quotation marks"),
  );

/** A collection by its id or its name, any case. */
export const collectionReferenceSchema = z.string().trim().min(1).max(100);

export const collectionSchema = z
  .object({
    id: idSchema,
    name: z.string(),
    /** Documents in it that are not in the trash. */
    document_count: z.int(),
    created_at: momentSchema,
    updated_at: momentSchema,
  })
  .meta({ id: "Collection" });
export type Collection = z.infer<typeof collectionSchema>;

/** `POST /api/collections` and `PATCH /api/collections/{id}` */
export const collectionNameSchema = z.strictObject({ name: nameSchema }).meta({ id: "CollectionName" });

export const tagCountSchema = z
  .object({
    tag: z.string(),
    /** Documents with it that are not in the trash. */
    document_count: z.int(),
  })
  .meta({ id: "TagCount" });
export type TagCount = z.infer<typeof tagCountSchema>;

export const tagListQuerySchema = pageQuerySchema.extend({
  /** What the tags begin with. */
  search: z.string().max(60).optional(),
});

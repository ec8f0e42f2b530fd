import { z } from "zod";

/** Ids are plain UUIDs of version 7. */
export const idSchema = z.uuid();

/** Moments travel as RFC 3339 text in UTC. */
export const momentSchema = z.iso.datetime();

const outOfCalendar = { error: "There is no year 0, and no place that is 16 hours or more from UTC." };

/** A moment as people give it, with any offset. PostgreSQL knows neither of those that are refused. */
export const givenMomentSchema = z.iso
  .datetime({ offset: true })
  .refine((text) => /^(?!0000).*(?:Z|[+-](?:0\d|1[0-5]):?\d\d)$/.test(text), outOfCalendar);

/** A day, which begins at midnight UTC. */
export const givenDaySchema = z.iso.date().refine((text) => !text.startsWith("0000"), outOfCalendar);

/** Any JSON value. With a name, so that descriptions of the API can refer to it from within itself. */
export const jsonValueSchema: z.ZodType<z.core.util.JSONType, z.core.util.JSONType> = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(z.lazy(() => jsonValueSchema)),
    z.record(
      z.string(),
      z.lazy(() => jsonValueSchema),
    ),
  ])
  .meta({ id: "JsonValue" });

/** Problem details (RFC 9457) with a stable `code`. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().optional(),
    code: z.string(),
    request_id: z.string(),
    /** The real number, where a request expected another. */
    count: z.int().optional(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problemSchema>;

/** Query parameters of every list. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(500).optional(),
});

/** One page of a list, newest first. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    next_cursor: z.string().nullable(),
    has_more: z.boolean(),
  });
}
export type Page<Item> = { data: Item[]; next_cursor: string | null; has_more: boolean };

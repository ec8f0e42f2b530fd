import { z } from "zod";

export const builtInOperations = [
  "summary",
  "key_points",
  "sentiment",
  "topics",
  "answer",
  "analysis",
] as const;

/**
 * What the built-in model can do with a text. `analysis` gives the first four in one object, null for those
 * that it refuses: asked for alone, they say why.
 */
export type BuiltInOperation = (typeof builtInOperations)[number];

/** The provider options of the built-in model, under the key `builtin`. */
export const builtInOptionsSchema = z.object({
  operation: z.enum(builtInOperations),
  /** The text's title, which tells what matters in it. */
  title: z.string().nullable().default(null),
  /** ISO 639-1 when known, to skip detection. */
  language: z.string().nullable().default(null),
  /** What `answer` looks for. */
  question: z.string().nullable().default(null),
});

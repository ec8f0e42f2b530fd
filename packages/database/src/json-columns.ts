import { sql } from "kysely";
import type { RawBuilder } from "kysely";

// JSON.stringify escapes lone surrogates only. After an odd backslash, \u is spelt-out text.
const refusedEscape = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/**
 * A value for a jsonb column. Always text with a cast: the two drivers turn arrays and objects into
 * different things. What PostgreSQL refuses, NUL and halves of surrogate pairs (of an emoji cut in
 * two), becomes the replacement character.
 */
export function jsonb(value: unknown): RawBuilder<unknown> {
  return sql`${jsonText(value)}::jsonb`;
}

/** The JSON text of a value as PostgreSQL accepts it. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value ?? null) ?? "null";
  return text.includes("\\u") ? text.replaceAll(refusedEscape, "$1\\ufffd") : text;
}

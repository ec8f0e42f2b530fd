import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { jsonTooDeep } from "./errors.ts";
import { isNestedDeeper } from "./json-depth.ts";

// JSON.stringify escapes lone surrogates only. After an odd backslash, \u is spelt-out text.
const refusedEscape = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/**
 * Far more than anybody writes. About 3,500 are where a thread or a process can no longer hand a value to
 * another one; a schema that calls itself takes several times the stack for each.
 */
const maxLevels = 1_000;

/**
 * A value for a jsonb column. Always text with a cast: the two drivers turn arrays and objects into
 * different things. What PostgreSQL refuses, NUL and halves of surrogate pairs (of an emoji cut in
 * two), becomes the replacement character. Throws `json_too_deep`.
 */
export function jsonb(value: unknown): RawBuilder<unknown> {
  return sql`${jsonText(value)}::jsonb`;
}

/**
 * The JSON text of a value as PostgreSQL accepts it. Throws `json_too_deep` for more than 1,000 levels, which
 * might not be read back, and a TypeError for what is no JSON: a circle, or a BigInt.
 */
export function jsonText(value: unknown): string {
  const text = stringify(value);
  if (isNestedDeeper(text, maxLevels)) throw jsonTooDeep(maxLevels);
  return text.includes("\\u") ? text.replaceAll(refusedEscape, "$1\\ufffd") : text;
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value ?? null) ?? "null";
  } catch (error) {
    // The stack was too small for its levels.
    throw error instanceof RangeError ? jsonTooDeep(maxLevels, error) : error;
  }
}

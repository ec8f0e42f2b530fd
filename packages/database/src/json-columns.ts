import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/**
 * A value for a jsonb column. Always text with a cast: the two drivers turn arrays and objects into
 * different things. NUL characters, which PostgreSQL refuses, become the replacement character.
 */
export function jsonb(value: unknown): RawBuilder<unknown> {
  return sql`${jsonText(value)}::jsonb`;
}

/** The JSON text of a value as PostgreSQL accepts it. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value ?? null) ?? "null").replaceAll("\\u0000", "\\ufffd");
}

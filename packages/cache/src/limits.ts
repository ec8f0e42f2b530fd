import { invalidCacheUse } from "./errors.ts";

/** Longer than any name that people make up, short enough for an index. */
const maxKeyLength = 512;
const maxTagLength = 200;
const maxTags = 16;
/** A cache is no place to keep things: what must last longer belongs into a table. */
const maxTtlMs = 30 * 24 * 3_600_000;

/**
 * What one value may be as JSON. Larger ones are not kept: they would push out what many others use, and
 * block the connection that everybody shares.
 */
export const maxValueBytes = 1_048_576;

/** Throws `invalid_cache_use` for a key that no store would take. */
export function assertKey(key: string): void {
  if (key === "" || key.length > maxKeyLength || key.includes("\0"))
    throw invalidCacheUse(`A key has 1 to ${maxKeyLength} characters, and no NUL among them.`);
}

/** The same for a tag. */
export function assertTag(tag: string): void {
  if (tag === "" || tag.length > maxTagLength || tag.includes("\0"))
    throw invalidCacheUse(`A tag has 1 to ${maxTagLength} characters, and no NUL among them.`);
}

/** Throws `invalid_cache_use`. Returns each tag once. */
export function checkTags(tags: readonly string[]): readonly string[] {
  for (const tag of tags) assertTag(tag);
  const distinct = [...new Set(tags)];
  if (distinct.length > maxTags) throw invalidCacheUse(`A value has at most ${maxTags} tags.`);
  return distinct;
}

/** Throws `invalid_cache_use` for a time that is none, or longer than 30 days. */
export function assertTtl(ttlMs: number): void {
  if (!Number.isInteger(ttlMs) || ttlMs < 1 || ttlMs > maxTtlMs)
    throw invalidCacheUse("ttlMs is a whole number of milliseconds, from 1 to 30 days.");
}

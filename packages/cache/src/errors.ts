import { MillraceError } from "@millrace/kernel";

/** A mistake in the code that uses the cache, whatever the store. */
export function invalidCacheUse(message: string): MillraceError {
  return new MillraceError({ code: "invalid_cache_use", kind: "invalid", message });
}

/** What was computed is not what it was said to be: nobody could read it back. */
export function invalidCacheValue(key: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "invalid_cache_value",
    kind: "internal",
    message: `What was computed for the cache key ${JSON.stringify(key)} does not fit its schema, or is no JSON. Compute what the schema takes.`,
    cause,
    details: { key },
  });
}

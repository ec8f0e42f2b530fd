import { MillraceError } from "./errors.ts";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * Parses JSON text to an unknown value, to be validated by a schema next.
 * Throws `malformed_json` (kind malformed) with the parser's position.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new MillraceError({
      code: "malformed_json",
      kind: "malformed",
      message: "This is not valid JSON. Check quotes, commas and brackets.",
      cause: error,
    });
  }
}

import { InvalidResponseDataError, JSONParseError, TypeValidationError } from "@ai-sdk/provider";

/**
 * A cause for the log. Of an answer that can't be read the SDK's errors quote all of it, which no log may hold:
 * what was wrong is kept, the text is not.
 */
export function withoutAnswer(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  if (JSONParseError.isInstance(cause)) return new Error("the answer is no JSON");
  if (TypeValidationError.isInstance(cause)) {
    return new Error("the answer is of another shape", { cause: cause.cause });
  }
  if (InvalidResponseDataError.isInstance(cause)) return new Error("the answer lacks what it must have");
  const inner = withoutAnswer(cause.cause);
  if (inner === cause.cause) return cause;
  return Object.assign(new Error(cause.message, { cause: inner }), { name: cause.name });
}

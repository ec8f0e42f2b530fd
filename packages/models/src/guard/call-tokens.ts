import type { LanguageModelV4Usage } from "@ai-sdk/provider";
import { isMillraceError, MillraceError } from "@millrace/kernel";
import { z } from "zod";
import type { CallTokens } from "../ports.ts";
import { estimateTokens } from "../text/estimate-tokens.ts";

/** More than any model reads or writes in one call: a larger number is a server's mistake. */
const mostTokens = 20_000_000;

export const unknownTokens: CallTokens = { input: null, output: null, cachedInput: null };

/** Tokens as the server counted them. What can't be a count is null, and `onOdd` hears of it. */
export function readTokens(usage: LanguageModelV4Usage, onOdd: (field: string) => void): CallTokens {
  const input = readCount("input", usage.inputTokens.total, onOdd);
  const cached = readCount("cached_input", usage.inputTokens.cacheRead, onOdd);
  const isMore = cached !== null && (input === null || cached > input);
  if (isMore && input !== null) onOdd("cached_input");
  return {
    input,
    output: readCount("output", usage.outputTokens.total, onOdd),
    cachedInput: isMore ? null : cached,
  };
}

/** One count, such as the tokens of an embedding. */
export function readCount(
  field: string,
  count: number | null | undefined,
  onOdd: (field: string) => void,
): number | null {
  if (count === undefined || count === null) return null;
  if (Number.isInteger(count) && count >= 0 && count <= mostTokens) return count;
  // The SDK sums what is missing to NaN: that is no answer, not an odd one.
  if (!Number.isNaN(count)) onOdd(field);
  return null;
}

/** All tokens of a call, or null when one side is unknown. */
export function totalTokens({ input, output }: CallTokens): number | null {
  return input === null || output === null ? null : input + output;
}

/** The tokens of two calls together; unknown when one of them is. */
export function addTokens(left: CallTokens, right: CallTokens): CallTokens {
  return {
    input: addKnown(left.input, right.input),
    output: addKnown(left.output, right.output),
    cachedInput: addKnown(left.cachedInput, right.cachedInput),
  };
}

export function addKnown(left: number | null, right: number | null): number | null {
  return left === null || right === null ? null : left + right;
}

/**
 * What came of an answer so far; of one that is not streamed nothing comes before all of it. `aside`: thoughts and the
 * inputs of tools, which are no text of the answer and are counted with it.
 */
export type Heard = { text: string; aside: string; isStream: boolean };

/**
 * The tokens of a call that we left before its answer was whole: its server counts them, and can no longer say how
 * many. A stream that has not said a word may never have been begun, so nothing is known of it. Any other answer is
 * silent while it is made: at least what was asked was read, most probably.
 */
export function tokensSoFar(tokens: CallTokens, inputTokens: number, heard: Heard): CallTokens {
  const said = heard.aside + heard.text;
  if (heard.isStream && said === "") return tokens;
  return {
    input: tokens.input ?? inputTokens,
    output: tokens.output ?? estimateTokens(said),
    cachedInput: tokens.cachedInput,
  };
}

const useSchema = z.object({
  model: z.string(),
  tokens: z.object({
    input: z.number().nullable(),
    output: z.number().nullable(),
    cachedInput: z.number().nullable(),
  }),
  cost: z.number().nullable(),
});

/** What a call used that gave no answer all the same. */
export type FailedUse = z.infer<typeof useSchema>;

/** The error with what its call used in its details. */
export function withUse(error: Error, use: FailedUse): Error {
  if (!isMillraceError(error)) return error;
  return new MillraceError({
    ...{ code: error.code, kind: error.kind, message: error.message, cause: error.cause },
    ...{ items: error.items, retryable: error.retryable, details: { ...error.details, use } },
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    ...(error.putOffSeconds === undefined ? {} : { putOffSeconds: error.putOffSeconds }),
  });
}

/** What the call of a failed request used: an answer that was cut off, empty or refused; undefined where it is not known. */
export function useOf(error: unknown): FailedUse | undefined {
  if (!isMillraceError(error)) return undefined;
  return useSchema.safeParse(error.details["use"]).data;
}

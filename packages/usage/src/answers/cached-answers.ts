import { createHash } from "node:crypto";
import type { Cache, FoundFrom } from "@millrace/cache";
import type { AnswerStore, StoredAnswer } from "@millrace/models";
import { z } from "zod";

const count = z.number().nullable();
const storedAnswer = z.object({
  text: z.string(),
  model: z.string(),
  tokens: z.object({ input: count, output: count, cachedInput: count }),
  answeredAt: z.string(),
  cost: count.optional(),
  madeFor: z.object({ job: z.string(), step: z.string() }).optional(),
});

/** Longer than any call may take: whoever makes the answer says all the time that it still does. */
const waitMs = 2 * 3_600_000;
/** After so long without a word from the process that makes an answer, the next one makes it. */
const defaultLockMs = 10_000;

/** Owners are named by programs, at any length; keys of the cache are bounded. */
const hashOf = (owner: string): string => createHash("sha256").update(owner).digest("hex");

/** Whoever was to make an answer does not want it any more. */
class Abandoned extends Error {}

/**
 * Stored answers in the cache. One that is larger than 1 MiB is given to those who wait in the same process, and
 * not kept.
 */
export function createAnswerStore(parts: {
  readonly cache: Cache;
  readonly ttlSeconds: number;
  /** Whether owners are given each other's. */
  readonly isShared: boolean;
  /** Default 10,000. */
  readonly lockMs?: number;
}): AnswerStore {
  const { cache, isShared, lockMs = defaultLockMs } = parts;
  const placeOf = (key: string, owner: string | null): string => {
    const whose = isShared ? "*" : hashOf(owner ?? "");
    return `model-answer:${whose}:${key}`;
  };
  const keep = { ttlMs: parts.ttlSeconds * 1000 };
  return {
    replace: async ({ key, owner }, answer) => {
      await cache.set(placeOf(key, owner), answer, keep);
    },
    once: async ({ key, owner, signal }, make) => {
      const at = placeOf(key, owner);
      let from: "made" | "cached" | "shared" = "made";
      const options = {
        ...keep,
        onFound: (where: FoundFrom) => (from = where === "kept" ? "cached" : "shared"),
        schema: storedAnswer,
        lockMs,
        waitMs,
        ...(signal === undefined ? {} : { signal }),
      };
      const isGivenUp = (): boolean => signal?.aborted === true;
      signal?.throwIfAborted();
      const compute = async (): Promise<StoredAnswer> => {
        if (isGivenUp()) throw new Abandoned();
        try {
          return await make();
        } catch (error) {
          // Others wait for it who still want it: their turn, not their failure.
          if (isGivenUp()) throw new Abandoned("", { cause: error });
          throw error;
        }
      };
      for (;;) {
        try {
          const answer = await cache.once(at, options, compute);
          return { answer, from };
        } catch (error) {
          signal?.throwIfAborted();
          if (!(error instanceof Abandoned)) throw error;
        }
      }
    },
  };
}

import { createHash } from "node:crypto";
import type { Task } from "./task.ts";

/** An index refuses entries of more than about 2700 bytes; and nobody reads a longer key. */
const maxKeyCharacters = 200;
const hashMark = "sha256:";

/** What a job counts by: given by its task for its input, null where the task says nothing. */
export type JobKeys = { readonly limitKey: string | null; readonly uniqueKey: string | null };

/**
 * The keys of a job, as they are stored. A key that is long, or that PostgreSQL would refuse, is
 * stored as its hash: equal keys stay equal, different ones different.
 */
export function jobKeys<Input>(task: Pick<Task<Input>, "limitKey" | "unique">, input: Input): JobKeys {
  return {
    limitKey: storedLimitKey(task, input),
    uniqueKey: storableKey(task.unique?.(input)),
  };
}

/** The first of them alone: the other is not asked. */
export function storedLimitKey<Input>(task: Pick<Task<Input>, "limitKey">, input: Input): string | null {
  return storableKey(task.limitKey?.(input));
}

function storableKey(key: string | undefined): string | null {
  if (key === undefined) return null;
  const isStorable = key.length <= maxKeyCharacters && !key.includes("\0") && key.isWellFormed();
  if (isStorable && !key.startsWith(hashMark)) return key;
  return `${hashMark}${createHash("sha256").update(key, "utf16le").digest("hex")}`;
}

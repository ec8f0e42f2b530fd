import { mayPassLater } from "../worker/database-trouble.ts";
import type { EndingParts } from "./write-end.ts";

/**
 * Does upkeep of one job that may end it, and once more without its task's hook when that was refused for good:
 * nobody else would end the job, and it would be refused again at every turn. `onRefused` is told why. What may pass
 * later is thrown, as is what the second try throws.
 */
export async function tryWithoutHook<Parts extends EndingParts, Result>(
  parts: Parts,
  work: (parts: Parts) => Promise<Result>,
  onRefused: (error: unknown) => void,
): Promise<Result> {
  try {
    return await work(parts);
  } catch (error) {
    if (mayPassLater(error)) throw error;
    onRefused(error);
    return await work({ ...parts, skipsHook: true });
  }
}

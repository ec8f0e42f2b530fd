import { toError } from "@millrace/kernel";

class NoAnswerError extends Error {}

/** Whether `within` gave up because its time was over. */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof NoAnswerError;
}

/**
 * Waits for work for so long at most, and rejects with the signal's reason. What arrived while this
 * process was busy is read before the time is called over.
 */
export async function within<Result>(
  work: Promise<Result>,
  maxMs: number,
  signal: AbortSignal,
): Promise<Result> {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(toError(signal.reason));
  const timer = setTimeout(
    () => setImmediate(() => reject(new NoAnswerError(`no answer in ${maxMs} ms`))),
    maxMs,
  );
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, failed]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

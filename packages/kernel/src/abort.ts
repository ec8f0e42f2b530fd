import { toError } from "./errors.ts";

/** Why running work was told to stop. Carried as the `reason` of the AbortSignal. */
export type StopReason = "cancelled" | "timed_out" | "lease_lost" | "shutdown";

/** The reason object behind an aborted signal of a job or a service. */
export class StopError extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason, message: string) {
    super(message);
    this.name = "StopError";
    this.reason = reason;
  }
}

/** The stop reason of an aborted signal, or undefined when it was not aborted by us. */
export function stopReason(signal: AbortSignal): StopReason | undefined {
  return signal.reason instanceof StopError ? signal.reason.reason : undefined;
}

/** The longest time a timer can be set to; with a longer one it fires at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Waits, or rejects with the signal's reason. The process stays alive meanwhile. */
export async function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  let leftMs = durationMs;
  for (; leftMs > maxTimerMs; leftMs -= maxTimerMs) await waitOnce(maxTimerMs, signal);
  await waitOnce(leftMs, signal);
}

async function waitOnce(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, durationMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The work, or the signal's reason when that aborts first: work that ignores its signal must not hold whoever waits. */
export async function raceAgainst<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // When the signal wins, nobody listens to the work any more.
  work.catch(() => undefined);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(toError(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}

import { setTimeout as wait } from "node:timers/promises";

/** Waits and keeps the process alive meanwhile. Throws the signal's reason when it aborts. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(durationMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

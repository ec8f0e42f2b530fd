import { sleep } from "@millrace/kernel";
import { modelErrors } from "../errors.ts";
import type { CallLimiter, Taken } from "../ports.ts";
import type { Endpoint } from "./endpoint.ts";

/** Longer waits give the worker's slot back: the job is put off instead. */
const longestWaitMs = 5_000;

/**
 * Takes a request and tokens from the limits over all workers, and waits a few seconds for them. Throws
 * `model_rate_limited` with the time it would take when that is longer.
 */
export async function takeFromLimiter(
  limiter: CallLimiter,
  wanted: Parameters<CallLimiter["take"]>[0],
  signal: AbortSignal | undefined,
): Promise<Taken> {
  for (let waitedMs = 0; ;) {
    const taken = await limiter.take(wanted);
    if ("settle" in taken) return taken;
    // At least a little: a limiter that says 0 must not be asked in a tight loop.
    const waitMs = Math.max(20, taken.waitMs);
    if (waitedMs + waitMs > longestWaitMs) throw limitsSay(wanted.model, taken.waitMs);
    await sleep(waitMs, signal);
    waitedMs += waitMs;
  }
}

/**
 * Waits while the server wants to be left in peace, which it may have said to another call since this one was
 * let in by the limits. Throws `model_rate_limited` when that is for longer than a few seconds.
 */
export async function waitWhileHeld(
  endpoint: Pick<Endpoint, "name" | "heldMs">,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let waitedMs = 0; ;) {
    const waitMs = Math.ceil(endpoint.heldMs());
    if (waitMs <= 0) return;
    if (waitedMs + waitMs > longestWaitMs) throw limitsSay(endpoint.name, waitMs);
    await sleep(waitMs, signal);
    waitedMs += waitMs;
  }
}

/** Told apart from the server's own refusal: no call was made. */
function limitsSay(model: string, waitMs: number): Error {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return modelErrors.rateLimited({ model, retryAfterSeconds, details: { by: "limits" } });
}

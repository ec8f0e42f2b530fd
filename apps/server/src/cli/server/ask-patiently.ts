import { pause } from "../pause.ts";
import { mayPass } from "./api-client.ts";

/** A restart of a server takes seconds; one that is away longer may not come back. */
export const patienceMs = 60_000;
export const askAgainMs = 1_000;

/**
 * What `ask` gives, also when the server is restarted meanwhile or has too much to do: it is asked again for a minute,
 * so it must be a question that may be asked twice. Throws what was wrong last, or the signal's reason.
 */
export async function askPatiently<Answer>(
  ask: () => Promise<Answer>,
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer> {
  let lostAtMs: number | undefined;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      // From the first failure: an answer may take as long as the server likes.
      lostAtMs ??= performance.now();
      if (!mayPass(error) || performance.now() - lostAtMs > patienceMs) throw error;
      await pause(askAgainMs, signal);
    }
  }
}

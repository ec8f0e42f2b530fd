import { sleep, toError } from "@millrace/kernel";

type Falsy = false | null | undefined;

/**
 * Asks again until the condition gives something, and returns that. Fails after `timeoutMs` (default
 * 30,000) saying what was awaited. A condition that throws counts as "not yet"; its last error is the
 * cause of the failure.
 */
export async function waitFor<Result>(
  condition: () => Promise<Result | Falsy> | Result | Falsy,
  options: { readonly describe: string; readonly timeoutMs?: number; readonly intervalMs?: number },
): Promise<Result> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  let lastError: Error | undefined;
  for (;;) {
    try {
      const result = await condition();
      if (result !== false && result !== null && result !== undefined) return result;
      lastError = undefined;
    } catch (thrown) {
      lastError = toError(thrown);
    }
    if (performance.now() > deadline) {
      const reason = lastError === undefined ? "" : `; last error: ${lastError.message}`;
      throw new Error(`Waited ${timeoutMs} ms for: ${options.describe}${reason}`, { cause: lastError });
    }
    await sleep(options.intervalMs ?? 20);
  }
}

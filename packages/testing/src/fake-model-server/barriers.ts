/** Named gates, closed until released once. A test holds requests there while it does something else. */
export class Barriers {
  readonly #released = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Resolves when the barrier is open; rejects when the signal aborts first. */
  async wait(barrier: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#released.has(barrier)) return;
    const waiting = this.#waiting.get(barrier) ?? new Set();
    this.#waiting.set(barrier, waiting);
    await new Promise<void>((resolve, reject) => {
      waiting.add(resolve);
      const onAbort = () => {
        waiting.delete(resolve);
        reject(new Error("The request ended at a barrier."));
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  release(barrier: string): void {
    this.#released.add(barrier);
    for (const open of this.#waiting.get(barrier) ?? []) open();
    this.#waiting.delete(barrier);
  }
}

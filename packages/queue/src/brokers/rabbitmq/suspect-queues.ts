/**
 * A queue must have been without an answer so often in a row. With fewer, one would be thrown away that only takes
 * its time, as after a restart; with more, its workers would live from the poll for longer.
 */
const failuresNeeded = 4;

/**
 * Which queues do not answer, and which of them has done so long enough to be replaced: only while the server
 * served others, and not again within `replaceEveryMs`, whatever came of it. Knows no server.
 */
export class SuspectQueues {
  readonly #replaceEveryMs: number;
  readonly #failures = new Map<string, number>();
  readonly #replacedAtMs = new Map<string, number>();

  constructor(options: { readonly replaceEveryMs: number }) {
    this.#replaceEveryMs = options.replaceEveryMs;
  }

  get names(): readonly string[] {
    return [...this.#failures.keys()];
  }

  has(queue: string): boolean {
    return this.#failures.has(queue);
  }

  add(queue: string): void {
    if (!this.has(queue)) this.#failures.set(queue, 0);
  }

  /** No suspect any more. */
  clear(queue: string): void {
    this.#failures.delete(queue);
  }

  /** The server does not serve others either: what queues did until now says nothing about them. */
  excuse(): void {
    for (const queue of this.names) this.#failures.set(queue, 0);
  }

  /** It did not answer, while the server served others. Whether it is to be replaced, which counts as done. */
  isToBeReplaced(queue: string, nowMs: number): boolean {
    const failures = (this.#failures.get(queue) ?? 0) + 1;
    this.#failures.set(queue, failures);
    const replacedAtMs = this.#replacedAtMs.get(queue) ?? Number.NEGATIVE_INFINITY;
    if (failures < failuresNeeded || nowMs - replacedAtMs < this.#replaceEveryMs) return false;
    this.#replacedAtMs.set(queue, nowMs);
    return true;
  }
}

import { sleep } from "@millrace/kernel";

/**
 * Passes on names of queues, each once a slot however often it comes: the first at once, those that come
 * within the slot after it together at its end. While one passing takes longer, the next waits for it.
 * Holds no more than there are queues.
 */
export class HintPacer {
  readonly #slotMs: number;
  readonly #pass: (queues: readonly string[]) => Promise<void>;
  readonly #gathered = new Set<string>();
  #turning: Promise<void> | undefined;
  #isStopped = false;

  /** `pass` must not reject. */
  constructor(slotMs: number, pass: (queues: readonly string[]) => Promise<void>) {
    this.#slotMs = slotMs;
    this.#pass = pass;
  }

  /** Once stopped, does nothing. */
  add(queue: string): void {
    if (this.#isStopped) return;
    this.#gathered.add(queue);
    this.#turning ??= this.#turn();
  }

  /** Takes nothing more; resolves when what was taken is passed on, a slot later at most and a passing. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#turning;
  }

  async #turn(): Promise<void> {
    // Those that are named in one go need no second slot.
    await Promise.resolve();
    while (this.#gathered.size > 0) {
      const queues = [...this.#gathered];
      this.#gathered.clear();
      await Promise.all([this.#pass(queues), sleep(this.#slotMs)]);
    }
    this.#turning = undefined;
  }
}

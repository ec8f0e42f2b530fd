import type { Hint } from "./broker.ts";
import { mergeHints } from "./hint.ts";

/**
 * Hints on their way to a broker: one of each queue at a time, and those that come meanwhile merged into the
 * next. So it holds no more than two for each queue whatever is enqueued, and a burst costs few messages.
 * One that could not be sent is kept, and goes with the next or with `retry`.
 */
export class HintOutbox {
  readonly #send: (hint: Hint) => Promise<void>;
  readonly #waiting = new Map<string, Hint>();
  readonly #sending = new Map<string, Promise<void>>();
  #isStopped = false;

  /** `send` rejects when the hint has not reached the broker; it must settle in bounded time. */
  constructor(send: (hint: Hint) => Promise<void>) {
    this.#send = send;
  }

  /** Once stopped, does nothing. */
  add(hint: Hint): void {
    if (!this.#isStopped) this.#keep(hint);
    this.#sendNext(hint.queue);
  }

  /** The broker is there again. */
  retry(): void {
    for (const queue of this.#waiting.keys()) this.#sendNext(queue);
  }

  /** Takes nothing more; resolves when what was taken is sent or has failed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    while (this.#sending.size > 0) await Promise.all(this.#sending.values());
  }

  #keep(hint: Hint): void {
    const known = this.#waiting.get(hint.queue);
    this.#waiting.set(hint.queue, known === undefined ? hint : mergeHints(known, hint));
  }

  #sendNext(queue: string): void {
    const hint = this.#waiting.get(queue);
    if (hint === undefined || this.#sending.has(queue)) return;
    this.#waiting.delete(queue);
    const sending = this.#send(hint).then(
      () => this.#sent(queue),
      () => {
        this.#sending.delete(queue);
        this.#keep(hint);
      },
    );
    this.#sending.set(queue, sending);
  }

  #sent(queue: string): void {
    this.#sending.delete(queue);
    this.#sendNext(queue);
  }
}

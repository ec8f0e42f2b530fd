import { sleep } from "@millrace/kernel";
import type { NewsBuffer } from "./news-buffer.ts";
import type { EventNews } from "./event-relay.ts";

/** All in milliseconds. */
export type OutboxTimes = {
  /** The least time between two sendings. */
  readonly slotMs: number;
  /** How long after one that failed the next is tried. */
  readonly retryMs: number;
  /** How long `stop` waits for the last. */
  readonly lastWordMs: number;
};

/**
 * Sends what a buffer gathers: the first at once, what comes within the slot after it together at its end.
 * After a failure it says, when it can again, that something was missed.
 */
export class NewsOutbox {
  readonly #buffer: NewsBuffer;
  readonly #send: (news: EventNews) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #times: OutboxTimes;
  readonly #stopping = new AbortController();
  #turning: Promise<void> | undefined;
  #isTelling = true;

  constructor(parts: {
    readonly buffer: NewsBuffer;
    readonly send: (news: EventNews) => Promise<void>;
    readonly onFailure: (error: unknown) => void;
    readonly times: OutboxTimes;
  }) {
    this.#buffer = parts.buffer;
    this.#send = parts.send;
    this.#onFailure = parts.onFailure;
    this.#times = parts.times;
  }

  /** Whether the last sending succeeded. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** There is something in the buffer. Once stopped, does nothing. */
  flushSoon(): void {
    if (!this.#stopping.signal.aborted) this.#turning ??= this.#turn();
  }

  /** Sends what was gathered before, and takes nothing more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#times.lastWordMs);
    await Promise.race([this.#turning, isOver]);
    clearTimeout(timer);
  }

  async #turn(): Promise<void> {
    // What is told in one go needs no second slot.
    await Promise.resolve();
    const { signal } = this.#stopping;
    while (!this.#buffer.isEmpty) {
      const [isSent] = await Promise.all([this.#flush(), this.#pause(this.#times.slotMs)]);
      if (isSent) continue;
      if (signal.aborted) break;
      await this.#pause(this.#times.retryMs);
    }
    this.#turning = undefined;
  }

  async #flush(): Promise<boolean> {
    try {
      await this.#send(this.#buffer.take());
      this.#isTelling = true;
    } catch (error) {
      this.#isTelling = false;
      this.#buffer.addMissed();
      this.#onFailure(error);
    }
    return this.#isTelling;
  }

  /** Ends at once when this stops. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, this.#stopping.signal).catch(() => undefined);
  }
}

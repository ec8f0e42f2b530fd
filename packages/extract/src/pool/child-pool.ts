import { toError } from "@millrace/kernel";
import { extractorBusy, extractorStopped } from "../errors.ts";
import { idleChildMs, maxWaitingRequests } from "../limits.ts";
import { ExtractionChild } from "./extraction-child.ts";
import type { ChildLimits } from "./extraction-child.ts";

export type PoolOptions = ChildLimits & { readonly concurrency: number; readonly recycleAfter: number };

type WaitingPlace = { readonly grant: () => void; readonly refuse: (error: Error) => void };

type IdleChild = { readonly child: ExtractionChild; readonly timer: NodeJS.Timeout };

/**
 * Hands out warm children, at most `concurrency` at a time. A child that failed or has read
 * `recycleAfter` files is replaced by a fresh one; one that idles for a minute ends.
 */
export class ChildPool {
  readonly #options: PoolOptions;
  readonly #idle: IdleChild[] = [];
  /** First come, first served: a set keeps its order. */
  readonly #waiting = new Set<WaitingPlace>();
  readonly #ending = new Set<Promise<void>>();
  #slotsTaken = 0;
  #isStopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * A child for one task, warm if possible. Rejects with the signal's reason while waiting, with
   * `extractor_busy` when too many wait and `extractor_stopped` after `stop`.
   */
  async acquire(signal: AbortSignal): Promise<ExtractionChild> {
    await this.#takeSlot(signal);
    try {
      const child = this.#takeIdle() ?? (await ExtractionChild.start(this.#options));
      if (!signal.aborted && !this.#isStopped) return child;
      await child.end();
      signal.throwIfAborted();
      throw extractorStopped();
    } catch (error) {
      this.#freeSlot();
      throw error;
    }
  }

  /** Takes a child back. `isHealthy` is false after any ending but a clean one: then it is ended. */
  async giveBack(child: ExtractionChild, isHealthy: boolean): Promise<void> {
    const isSpent = child.filesRead >= this.#options.recycleAfter;
    try {
      if (!isHealthy || isSpent || child.isGone || this.#isStopped) await child.end();
      else this.#keepIdle(child);
    } finally {
      this.#freeSlot();
    }
  }

  /** Starts one child ahead of the first request. A failure is left to that request to report. */
  async warm(): Promise<void> {
    const signal = new AbortController().signal;
    await this.acquire(signal).then(
      (child) => this.giveBack(child, true),
      () => undefined,
    );
  }

  /** Ends idle children and refuses new tasks. Children at work are the borrower's to end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const place of this.#waiting) place.refuse(extractorStopped());
    this.#waiting.clear();
    for (const { child, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      this.#endAside(child);
    }
    await Promise.all(this.#ending);
  }

  async #takeSlot(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isStopped) throw extractorStopped();
    if (this.#slotsTaken < this.#options.concurrency) this.#slotsTaken += 1;
    else await this.#waitForSlot(signal);
  }

  /** Waits in line. A slot is handed over directly, so that nobody who comes later can take it. */
  #waitForSlot(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= maxWaitingRequests) throw extractorBusy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const place: WaitingPlace = { grant: resolve, refuse: reject };
    const leave = (): void => {
      this.#waiting.delete(place);
      reject(toError(signal.reason));
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiting.add(place);
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #freeSlot(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#slotsTaken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next.grant();
  }

  #takeIdle(): ExtractionChild | undefined {
    for (let entry = this.#idle.pop(); entry !== undefined; entry = this.#idle.pop()) {
      clearTimeout(entry.timer);
      if (!entry.child.isGone) {
        entry.child.hold();
        return entry.child;
      }
      this.#endAside(entry.child);
    }
    return undefined;
  }

  #keepIdle(child: ExtractionChild): void {
    const timer = setTimeout(() => {
      const index = this.#idle.findIndex((entry) => entry.child === child);
      if (index < 0) return;
      this.#idle.splice(index, 1);
      this.#endAside(child);
    }, idleChildMs);
    timer.unref();
    child.release();
    this.#idle.push({ child, timer });
  }

  /** Ends a child that nobody waits for; `stop` does. */
  #endAside(child: ExtractionChild): void {
    child.hold();
    const ending = child.end().catch((error: unknown) => {
      this.#options.logger.warn({ err: toError(error) }, "the folder of an extraction child was not removed");
    });
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }
}

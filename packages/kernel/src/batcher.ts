type Waiting<Item, Result> = {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

type BatcherOptions<Item, Result> = {
  /** Items in one call at most. */
  readonly maxSize: number;
  /** Calls under way at once. */
  readonly maxInFlight: number;
  /** Does the work for many, and gives their results in the same order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Whether one item may be the reason of a failure, so that parts are to be tried. */
  readonly isOfOne: (error: unknown) => boolean;
};

/** Fewer items than this are not shared out: a call costs more than it saves. */
const minShare = 25;

/**
 * Merges calls that come while others are under way: the first goes at once, those that come meanwhile
 * go together. When a call for several fails for one of them, its halves are tried, and theirs, so that an
 * item that can't work fails by itself: one among a thousand costs twenty calls. Doing an item twice must
 * do no harm.
 */
export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #inFlight = 0;
  /** Items in the calls under way. */
  #busy = 0;
  #isScheduled = false;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  /** At the end of this turn of the event loop, so that calls made together go together. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= this.#options.maxInFlight) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const batch = this.#waiting.splice(0, this.#nextSize());
      if (batch.length === 0) return;
      this.#inFlight++;
      this.#busy += batch.length;
      void this.#run(batch).finally(() => {
        this.#inFlight--;
        this.#busy -= batch.length;
        if (this.#waiting.length > 0) this.#schedule();
      });
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  /**
   * Many are shared out among the calls that may be under way, so that this process prepares some while
   * the other side works on others: callers who add again what they got an answer for would otherwise all
   * wait for one call at a time.
   */
  #nextSize(): number {
    const { maxSize, maxInFlight } = this.#options;
    const share = Math.ceil((this.#waiting.length + this.#busy) / maxInFlight);
    return Math.min(maxSize, Math.max(share, minShare));
  }

  async #run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      if (batch.length === 1 || !this.#options.isOfOne(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      const middle = Math.ceil(batch.length / 2);
      await this.#run(batch.slice(0, middle));
      await this.#run(batch.slice(middle));
    }
  }
}

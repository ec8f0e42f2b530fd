import type { Clock } from "@millrace/kernel";

/**
 * Remembers a yes for a while, so that a permission is asked for again at most every `everyMs`
 * however often something is pushed. A no is never remembered.
 */
export class AccessGuard {
  readonly #check: () => Promise<boolean>;
  readonly #everyMs: number;
  readonly #clock: Clock;
  #allowedAtMs: number | undefined;
  #running: Promise<boolean> | undefined;

  constructor(options: {
    readonly check: () => Promise<boolean>;
    readonly everyMs: number;
    readonly clock: Clock;
    /** It was asked for just now, and the answer was yes. Default false. */
    readonly isKnown?: boolean;
  }) {
    this.#check = options.check;
    this.#everyMs = options.everyMs;
    this.#clock = options.clock;
    if (options.isKnown === true) this.#allowedAtMs = options.clock.monotonicMs();
  }

  /** Whether it is still allowed. Rejects when that can't be found out. */
  isAllowed(): Promise<boolean> | true {
    const allowedAtMs = this.#allowedAtMs;
    if (allowedAtMs !== undefined && this.#clock.monotonicMs() - allowedAtMs < this.#everyMs) return true;
    this.#running ??= this.#ask();
    return this.#running;
  }

  async #ask(): Promise<boolean> {
    try {
      const askedAtMs = this.#clock.monotonicMs();
      const isAllowed = await this.#check();
      this.#allowedAtMs = isAllowed ? askedAtMs : undefined;
      return isAllowed;
    } finally {
      this.#running = undefined;
    }
  }
}

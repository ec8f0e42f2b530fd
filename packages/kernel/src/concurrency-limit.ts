import { toError } from "./errors.ts";

/**
 * Lets at most so many pieces of work run at once; the others wait in line, or leave when their signal aborts.
 * How many is asked anew whenever one begins or ends, and is at least one.
 */
export class ConcurrencyLimit {
  readonly #waiting: Array<() => void> = [];
  readonly #places: () => number;
  #running = 0;

  constructor(places: () => number) {
    this.#places = places;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#admit();
    }
  }

  #hasPlace(): boolean {
    return this.#running < Math.max(1, this.#places());
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#hasPlace()) {
      this.#running += 1;
      this.#waiting.shift()?.();
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#waiting.length === 0 && this.#hasPlace()) {
      this.#running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(toError(signal?.reason));
      };
      this.#waiting.push(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}

import { toError } from "./errors.ts";
import type { Logger } from "./log.ts";

/** Holds work that nobody awaits: its failures are logged, and shutdown can wait for it. */
export class BackgroundWork {
  readonly #running = new Set<Promise<void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Runs work without waiting for it. A failure is logged once, under this name; none is thrown. */
  run(name: string, work: () => Promise<unknown>): void {
    const promise = this.#follow(name, work);
    this.#running.add(promise);
    void promise.finally(() => this.#running.delete(promise));
  }

  async #follow(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#logger.error({ err: toError(error), work: name }, "background work failed");
    }
  }

  /** Resolves when everything that runs now, and what that starts, has ended. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

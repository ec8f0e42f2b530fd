import { sleep, toError } from "@millrace/kernel";
import type { BackgroundWork, Logger } from "@millrace/kernel";

/** While looks fail, the pause between them doubles up to this. */
const maxPauseMs = 10_000;

/**
 * Looks at once when it is asked to, and then at most every so often however often it is asked: the
 * requests that come meanwhile are answered by one look. One that fails is made again, less and less often,
 * with one warning until a look succeeds.
 */
export class HeadLook {
  readonly #look: (domains: ReadonlySet<string>) => Promise<void>;
  readonly #background: BackgroundWork;
  readonly #logger: Logger;
  readonly #everyMs: number;
  readonly #stopping = new AbortController();
  #wanted = new Set<string>();
  #isTurning = false;
  /** In a row. */
  #failures = 0;

  constructor(parts: {
    readonly look: (domains: ReadonlySet<string>) => Promise<void>;
    readonly background: BackgroundWork;
    readonly logger: Logger;
    readonly everyMs: number;
  }) {
    this.#look = parts.look;
    this.#background = parts.background;
    this.#logger = parts.logger;
    this.#everyMs = parts.everyMs;
  }

  request(domains: readonly string[]): void {
    for (const domain of domains) this.#wanted.add(domain);
    if (this.#isTurning || this.#stopping.signal.aborted) return;
    this.#isTurning = true;
    this.#background.run("live.look", () => this.#turn());
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #turn(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#wanted.size > 0 && !signal.aborted) {
      const domains = this.#wanted;
      this.#wanted = new Set();
      await this.#tryToLook(domains);
      await sleep(Math.min(maxPauseMs, this.#everyMs * 2 ** this.#failures), signal).catch(() => undefined);
    }
    this.#isTurning = false;
  }

  async #tryToLook(domains: ReadonlySet<string>): Promise<void> {
    try {
      await this.#look(domains);
      this.#failures = 0;
    } catch (error) {
      for (const domain of domains) this.#wanted.add(domain);
      if (this.#failures++ > 0) return;
      this.#logger.warn({ err: toError(error) }, "could not look how far streams have come; trying again");
    }
  }
}

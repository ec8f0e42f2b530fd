import { sleep, toError } from "@millrace/kernel";
import type { BackgroundWork, Logger } from "@millrace/kernel";

/**
 * Looks at once when it is asked to, and then at most every so often however often it is asked: the
 * requests that come meanwhile are answered by one look. One that fails is made again.
 */
export class HeadLook {
  readonly #look: (domains: ReadonlySet<string>) => Promise<void>;
  readonly #background: BackgroundWork;
  readonly #logger: Logger;
  readonly #everyMs: number;
  readonly #stopping = new AbortController();
  #wanted = new Set<string>();
  #isTurning = false;

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
      await sleep(this.#everyMs, signal).catch(() => undefined);
    }
    this.#isTurning = false;
  }

  async #tryToLook(domains: ReadonlySet<string>): Promise<void> {
    try {
      await this.#look(domains);
    } catch (error) {
      for (const domain of domains) this.#wanted.add(domain);
      this.#logger.warn({ err: toError(error) }, "could not look how far streams have come; trying again");
    }
  }
}

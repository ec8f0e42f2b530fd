import { connectionWaitExpired } from "../errors.ts";

type Waiting = { readonly give: () => void };

/**
 * Lets one holder at a time use the connection, in the order of asking. A wait that lasts longer
 * than `waitMs` fails and names what holds the connection: usually a query on the database itself
 * from inside a transaction, which would wait for ever.
 */
export class Turns {
  readonly #waitMs: number;
  readonly #queue: Waiting[] = [];
  #isTaken = false;
  #holder = "unknown";

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  async take(): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      this.#holder = "a statement without a transaction";
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiting = {
        give: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(connectionWaitExpired(this.#waitMs, this.#holder));
      }, this.#waitMs);
      this.#queue.push(waiting);
    });
  }

  /** Names the holder for the error above: the first statement of its transaction. */
  describe(holder: string): void {
    this.#holder = holder;
  }

  pass(): void {
    const next = this.#queue.shift();
    this.#holder = "a statement without a transaction";
    if (next === undefined) this.#isTaken = false;
    else next.give();
  }
}

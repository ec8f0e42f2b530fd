import { connectionWaitExpired } from "../errors.ts";

/** `foreground`: somebody waits for an answer. `background`: workers, who yield to them. */
export type Precedence = "foreground" | "background";

type Waiting = { readonly give: () => void };

/**
 * So that a busy API never stops the work behind it: one turn in so many goes to the background
 * even if others wait. Untuned; smaller makes requests wait more often for a job's transaction.
 */
const backgroundShare = 8;

/**
 * Lets one holder at a time use the connection: those in the foreground first, each class in the
 * order of asking. A wait that lasts longer than `waitMs` fails and names what holds the connection:
 * usually a query on the database itself from inside a transaction, which would wait for ever.
 */
export class Turns {
  readonly #waitMs: number;
  readonly #waiting: Record<Precedence, Waiting[]> = { foreground: [], background: [] };
  #isTaken = false;
  #holder = "unknown";
  #passes = 0;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  async take(precedence: Precedence = "foreground"): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      this.#holder = "a statement without a transaction";
      return;
    }
    const line = this.#waiting[precedence];
    await new Promise<void>((resolve, reject) => {
      const waiting = {
        give: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        line.splice(line.indexOf(waiting), 1);
        reject(connectionWaitExpired(this.#waitMs, this.#holder));
      }, this.#waitMs);
      line.push(waiting);
    });
  }

  /** Names the holder for the error above: the first statement of its transaction. */
  describe(holder: string): void {
    this.#holder = holder;
  }

  pass(): void {
    const { foreground, background } = this.#waiting;
    this.#passes++;
    const isBackgroundsTurn = this.#passes % backgroundShare === 0;
    const [first, second] = isBackgroundsTurn ? [background, foreground] : [foreground, background];
    const next = first.shift() ?? second.shift();
    this.#holder = "a statement without a transaction";
    if (next === undefined) this.#isTaken = false;
    else next.give();
  }
}

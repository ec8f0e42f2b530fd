import { toError } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";
import type { AttemptStop } from "./attempt-stop.ts";

/** A handler that was told to stop gets this long before its attempt ends without it. */
const stopGraceMs = 5_000;

/** The time that a handler gets which was told to stop, after which its attempt is given up. */
export class StopGrace {
  readonly #attempt: AttemptStop;
  readonly #giveUp: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(attempt: AttemptStop, giveUp: (error: Error) => void) {
    this.#attempt = attempt;
    this.#giveUp = giveUp;
  }

  /** It was told to stop. A soft limit leaves it until the hard one; a lost lease leaves it nothing. */
  begin(reason: StopReason): void {
    if (this.#isOver || reason === "timed_out") return;
    const isLost = reason === "lease_lost";
    if (this.#timer !== undefined && !isLost) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#giveUp(toError(this.#attempt.aborted)), isLost ? 0 : stopGraceMs);
  }

  /** When it is over, in whatever way. */
  clear(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

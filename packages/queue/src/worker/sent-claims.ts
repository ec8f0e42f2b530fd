import type { ClaimTurns } from "./claim-turns.ts";
import type { Asked, Claim, Claimer } from "./claimer.ts";

/** A claim holds the locks of what it takes, and what it has taken waits in the worker for its turn. */
export const maxClaim = 500;

/** A claim that is under way. */
export type SentClaim = Asked & { readonly sentMs: number; readonly claim: Promise<Claim> };

/**
 * The claims of a worker that are under way: one, and while claims bring all that they can another one beside it, so
 * that the database need not wait for an answer to be read.
 */
export class SentClaims {
  readonly #claimer: Claimer;
  readonly #turns: ClaimTurns;
  /** Told of each claim when it is sent. */
  readonly #onSend: (queue: string) => void;
  #ahead: SentClaim | undefined;
  #wasLargest = false;

  constructor(claimer: Claimer, turns: ClaimTurns, onSend: (queue: string) => void) {
    this.#claimer = claimer;
    this.#turns = turns;
    this.#onSend = onSend;
  }

  send(asked: Asked): SentClaim {
    this.#onSend(asked.queue);
    return { ...asked, sentMs: performance.now(), claim: this.#claimer.claim(asked) };
  }

  /** Sends the next claim of the same queue when both are sure to be the largest. */
  sendBeside({ queue, limit, oldest }: SentClaim): void {
    if (!this.#wasLargest || limit !== maxClaim || !this.#claimer.mayClaimBeside(queue)) return;
    const asked = { queue, limit: maxClaim, oldest: this.#turns.usualShareOfOldest(maxClaim) };
    this.#ahead = this.send({ ...asked, beside: limit - oldest });
    // Of a failure hears who takes it, later.
    this.#ahead.claim.catch(() => undefined);
  }

  /** That so many jobs came of the last one. */
  brought(count: number): void {
    this.#wasLargest = count === maxClaim;
  }

  /** How many jobs may come of the claim that was sent beside another; undefined for none. */
  get aheadLimit(): number | undefined {
    return this.#ahead?.limit;
  }

  /** That claim, once. */
  takeAhead(): SentClaim | undefined {
    const sent = this.#ahead;
    this.#ahead = undefined;
    return sent;
  }
}

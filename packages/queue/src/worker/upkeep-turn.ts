import type { Chore } from "./maintenance.ts";

/** A chore that takes longer keeps the others waiting, and another worker takes over. */
const stuckMs = 10_000;

/**
 * Who does what it is enough that one worker does for all: many workers with nothing to do would otherwise ask
 * the database the same questions every two seconds. Two may think that they are the one, to no harm.
 */
export class UpkeepTurn {
  /** Until it is told otherwise: better two than none. */
  isMine = true;
  #lastDoneMs = performance.now();
  /** By name, those whose last run threw. */
  readonly #failing = new Set<string>();

  /** Whether this worker's chores come to their end, and a good one: of an older version they may not. */
  get isTurning(): boolean {
    return this.#failing.size === 0 && performance.now() - this.#lastDoneMs < stuckMs;
  }

  /** The same chore, done only in this worker's turn. */
  whenMine(chore: Chore): Chore {
    return {
      ...chore,
      run: async (signal) => {
        // One that failed is tried again out of turn, or nobody would know when it can again.
        if (!this.isMine && !this.#failing.has(chore.name)) return this.#done(false);
        try {
          const hasMore = await chore.run(signal);
          this.#failing.delete(chore.name);
          return this.#done(hasMore);
        } catch (error) {
          this.#failing.add(chore.name);
          throw error;
        }
      },
    };
  }

  #done(hasMore: unknown): unknown {
    this.#lastDoneMs = performance.now();
    return hasMore;
  }
}

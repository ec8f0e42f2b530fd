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

  /** Whether this worker's chores come to their end. */
  get isTurning(): boolean {
    return performance.now() - this.#lastDoneMs < stuckMs;
  }

  /** The same chore, done only in this worker's turn. */
  whenMine(chore: Chore): Chore {
    return {
      ...chore,
      run: async (signal) => {
        try {
          return this.isMine && (await chore.run(signal));
        } finally {
          this.#lastDoneMs = performance.now();
        }
      },
    };
  }
}

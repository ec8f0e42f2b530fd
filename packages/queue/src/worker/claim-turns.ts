/** One job in ten is the oldest that is due, whatever its priority, so that nothing starves. */
const bestPerOldest = 9;

/** Whose turn it is when a worker claims: which of its queues comes first, and how many jobs are taken for their age. */
export class ClaimTurns {
  readonly #queues: readonly string[];
  /** Jobs claimed by their priority that the oldest have not yet had their share for. */
  #unshared = 0;
  /**
   * Which queue is looked at first: each in its turn, or the first would starve the last. Counted for each
   * choice: in one rhythm, every tenth look would come to the same of two queues each time.
   */
  readonly #first = { best: 0, oldest: 0 };

  constructor(queues: readonly string[]) {
    this.#queues = queues;
  }

  /** How many of so many jobs are to be the oldest. */
  shareOfOldest(free: number): number {
    return Math.min(free, Math.floor(this.#unshared / bestPerOldest));
  }

  /** How many of so many jobs are to be the oldest where it is not known yet what the claim before takes. */
  usualShareOfOldest(limit: number): number {
    return Math.floor(limit / (bestPerOldest + 1));
  }

  /** The queues in the order of this turn, which takes `share` jobs for their age. */
  next(share: number): readonly string[] {
    const first = this.#first[share > 0 ? "oldest" : "best"]++ % Math.max(1, this.#queues.length);
    return [...this.#queues.slice(first), ...this.#queues.slice(0, first)];
  }

  /** So many jobs were started, of those so many for their age where `share` were wanted. */
  took(started: number, oldest: number, share: number): void {
    // With nothing due nobody waits, and what was not taken is not saved up.
    this.#unshared = oldest < share ? 0 : this.#unshared - oldest * bestPerOldest + (started - oldest);
  }
}

/** So much of a worker's time at most goes into looking in vain: one part in 20. */
const restFactor = 20;
/** The end of what stands in the way, or a job that could start, is noticed this late at most. */
const maxRestMs = 30_000;
/** Looking in vain faster than this costs nothing that matters. */
const slowMs = 100;

/**
 * Queues that are not looked at for a while: jobs of tasks that this process does not know stand
 * first in them, and every claim reads past all of those. Hints end no rest: they come with each of
 * those jobs too.
 */
export class RestingQueues {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds until it is to be looked at again; 0 for now. */
  restMs(queue: string): number {
    return Math.max(0, (this.#untilMs.get(queue) ?? 0) - this.#nowMs());
  }

  /** After a claim that found nothing; asks what is in the way only when it was slow. */
  async lookedInVain(queue: string, tookMs: number, isBlocked: () => Promise<boolean>): Promise<void> {
    if (tookMs < slowMs || !(await isBlocked())) return;
    this.#untilMs.set(queue, this.#nowMs() + Math.min(tookMs * restFactor, maxRestMs));
  }
}

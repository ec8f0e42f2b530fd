/** So much of a worker's time at most goes into looking in vain: one part in 20. */
const restFactor = 20;
/** A new version of the worker, or the end of what stands in the way, is noticed this late at most. */
const maxRestMs = 30_000;
/** Looking in vain faster than this costs nothing that matters. */
const slowMs = 100;

/**
 * Queues that are not looked at for a while: jobs of tasks that this process does not know stand
 * first in them, and every claim reads past all of those.
 */
export class RestingQueues {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  isResting(queue: string): boolean {
    return this.#nowMs() < (this.#untilMs.get(queue) ?? 0);
  }

  /** Somebody says that there is work. */
  wake(queue: string): void {
    this.#untilMs.delete(queue);
  }

  /** After a claim that found nothing; asks what is in the way only when it was slow. */
  async lookedInVain(queue: string, tookMs: number, isBlocked: () => Promise<boolean>): Promise<void> {
    if (tookMs < slowMs || !(await isBlocked())) return;
    this.#untilMs.set(queue, this.#nowMs() + Math.min(tookMs * restFactor, maxRestMs));
  }
}

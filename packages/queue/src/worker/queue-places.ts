import type { ClaimPlace } from "../jobs/claim.ts";

/**
 * A job that got a place before others of its priority while they were claimed (its owner's line began at the head that
 * was then) waits for this at most while a worker claims without a pause. More urgent ones do not wait.
 */
const headEveryMs = 200;

/**
 * Where the claims of a worker go on. The head of a queue that is being emptied is the slow part of it: each look there
 * passes the entries of all jobs that were claimed since the last vacuum.
 */
export class QueuePlaces {
  readonly #nowMs: () => number;
  readonly #queues = new Map<string, { headMs: number; place: ClaimPlace | undefined }>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Where the claim that comes now begins; undefined for the head of the queue. */
  next(queue: string): ClaimPlace | undefined {
    const nowMs = this.#nowMs();
    const known = this.#queues.get(queue);
    const goesOn = known?.place !== undefined && nowMs - known.headMs < headEveryMs;
    this.#queues.set(queue, {
      headMs: goesOn ? known.headMs : nowMs,
      place: goesOn ? known.place : undefined,
    });
    return goesOn ? known.place : undefined;
  }

  /** A claim ended there; undefined when it found nothing, or failed. */
  reached(queue: string, place: ClaimPlace | undefined): void {
    const known = this.#queues.get(queue);
    if (known !== undefined) known.place = place;
  }
}

import { claimJobs, isFirstUnknown } from "../jobs/claim.ts";
import type { ClaimRequest } from "../jobs/claim.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { transitionOf } from "../jobs/transition.ts";
import { claimWithLimits } from "../limits/claim-with-limits.ts";
import type { LimitedClaim } from "../limits/claim-with-limits.ts";
import { LiveLimits } from "../limits/live-limits.ts";
import type { ExecuteParts } from "./execution.ts";
import { RestingQueues } from "./resting-queues.ts";

/** Jobs that a claim under limits looks at at least: those that are held back leave the line for good. */
const minLookAhead = 200;

type Asked = Pick<ClaimRequest, "queue" | "limit" | "choice">;

/** Takes jobs for one worker: the short way, or where there are limits to keep the way that counts. */
export class Claimer {
  readonly #parts: ExecuteParts;
  readonly #worker: ClaimRequest["worker"];
  readonly #leaseMs: number;
  readonly #limits: LiveLimits;
  readonly #resting = new RestingQueues();
  /** Of each queue the line that was looked at last, when there were too many for one look. */
  readonly #linesSeen = new Map<string, string>();
  #nextOpeningMs = Number.POSITIVE_INFINITY;

  constructor(parts: ExecuteParts, options: { worker: ClaimRequest["worker"]; leaseMs: number }) {
    this.#parts = parts;
    this.#worker = options.worker;
    this.#leaseMs = options.leaseMs;
    this.#limits = new LiveLimits(parts.registry);
  }

  /** Follows what people have set since the last time. */
  refreshLimits(): Promise<void> {
    return this.#limits.refresh(this.#parts.database);
  }

  /** Whether the end of a job of this queue may let another one start, here or at another worker. */
  isLimited(queue: string): boolean {
    return this.#limits.isLimited(queue);
  }

  /** Milliseconds until a rate allows a start that waits for it, as far as is known; Infinity for none. */
  get untilOpeningMs(): number {
    return Math.max(0, this.#nextOpeningMs - performance.now());
  }

  /** Somebody says that there is work. */
  wake(queue: string): void {
    this.#resting.wake(queue);
  }

  /** Before a round of claims of all queues. */
  startRound(): void {
    this.#nextOpeningMs = Number.POSITIVE_INFINITY;
  }

  async claim(asked: Asked): Promise<readonly ClaimedJob[]> {
    const { queue } = asked;
    if (this.#resting.isResting(queue)) return [];
    const { database, registry } = this.#parts;
    const request = { ...asked, taskKeys: registry.keys(), worker: this.#worker, leaseMs: this.#leaseMs };
    if (this.#limits.isLimited(queue)) return await this.#claimWithLimits(request);
    const startedMs = performance.now();
    const claimed = await claimJobs(database, request);
    if (claimed.length === 0) {
      await this.#resting.lookedInVain(queue, performance.now() - startedMs, () =>
        isFirstUnknown(database, request),
      );
    }
    return claimed;
  }

  async #claimWithLimits(request: ClaimRequest): Promise<readonly ClaimedJob[]> {
    const { queue, limit } = request;
    const claim = await claimWithLimits(this.#parts.database, {
      ...request,
      limitsOf: (task) => this.#limits.limitsOf(task),
      lookAhead: Math.max(limit, minLookAhead),
      lines: { after: this.#linesSeen.get(queue) ?? "" },
    });
    this.#tell(claim);
    if (claim.linesTo === undefined) this.#linesSeen.delete(queue);
    else this.#linesSeen.set(queue, claim.linesTo);
    const hasMore = claim.isMore || claim.linesTo !== undefined;
    const openingInMs = hasMore ? 0 : (claim.nextInMs ?? Number.POSITIVE_INFINITY);
    this.#nextOpeningMs = Math.min(this.#nextOpeningMs, performance.now() + openingInMs);
    return claim.jobs;
  }

  #tell({ parked, released }: LimitedClaim): void {
    const { bus } = this.#parts;
    for (const job of parked) bus.publishTransition(transitionOf("parked", job, "scheduled"));
    for (const job of released) bus.publishTransition(transitionOf("released", job, "queued"));
  }
}

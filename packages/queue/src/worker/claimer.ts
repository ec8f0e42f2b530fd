import { bareHint } from "../brokers/hint.ts";
import { claimJobs, isBlockedByUnknown } from "../jobs/claim.ts";
import type { ClaimRequest } from "../jobs/claim.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { LimitedQueue } from "../limits/limited-queue.ts";
import { LiveLimits } from "../limits/live-limits.ts";
import { releaseParked } from "../limits/release-parked.ts";
import type { ExecuteParts } from "./execution.ts";
import { QueuePlaces } from "./queue-places.ts";
import { RestingQueues } from "./resting-queues.ts";

type ClaimerParts = Pick<ExecuteParts, "database" | "bus" | "broker" | "registry">;

export type ClaimerOptions = {
  readonly worker: ClaimRequest["worker"];
  readonly leaseMs: number;
  readonly pollMs: number;
};

/** What a worker asks for. */
export type Asked = Pick<ClaimRequest, "queue" | "limit" | "oldest" | "beside">;

export type Claim = {
  readonly jobs: readonly ClaimedJob[];
  /** There may be jobs that it did not see, or that were too many. */
  readonly isMore: boolean;
  /** Others were claimed before it was known that a limit holds them: they are to be given back. */
  readonly strays: readonly ClaimedJob[];
};

/** Takes jobs for one worker: the short way, or where there are limits to keep the way that counts. */
export class Claimer {
  readonly #parts: ClaimerParts;
  readonly #options: ClaimerOptions;
  readonly #limits: LiveLimits;
  readonly #limited = new Map<string, LimitedQueue>();
  readonly #resting = new RestingQueues();
  readonly #places = new QueuePlaces();
  #againAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: ClaimerParts, options: ClaimerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#limits = new LiveLimits(parts.registry);
  }

  /** Follows what people have set since the last time. */
  refreshLimits(): Promise<void> {
    return this.#limits.refresh(this.#parts.database);
  }

  /** Lets go what waits for limits that are no more. */
  releaseParked(signal: AbortSignal): Promise<number> {
    return releaseParked(this.#parts, this.#limits, signal);
  }

  /** Milliseconds until there may be something to claim that nobody will say; Infinity for none. */
  get againInMs(): number {
    return Math.max(0, this.#againAtMs - performance.now());
  }

  /** Somebody says that there is work. */
  wake(queue: string): void {
    this.#limited.get(queue)?.hint();
  }

  /** A job runs no more: under a limit that makes room for one that waits, perhaps at another worker. */
  ended(job: ClaimedJob): void {
    if (!this.#limits.isLimited(job.queue)) return;
    this.#limitedQueue(job.queue).ended(job);
    this.#parts.broker.announce(bareHint(job.queue));
  }

  /** Before a round of claims of all queues. */
  startRound(): void {
    this.#againAtMs = Number.POSITIVE_INFINITY;
  }

  /** Whether a claim may be sent before the last one of this queue has answered. */
  mayClaimBeside(queue: string): boolean {
    return !this.#limits.isLimited(queue) && this.#resting.restMs(queue) === 0;
  }

  async claim(asked: Asked): Promise<Claim> {
    const { queue } = asked;
    const restMs = this.#resting.restMs(queue);
    if (restMs > 0) this.#comeAgainIn(restMs);
    const { worker, leaseMs } = this.#options;
    const request = { ...asked, taskKeys: this.#parts.registry.keys(), worker, leaseMs };
    if (this.#limits.isLimited(queue)) return await this.#claimLimited(request, restMs > 0);
    return restMs > 0 ? { jobs: [], isMore: false, strays: [] } : await this.#claimPlain(request);
  }

  #comeAgainIn(ms: number): void {
    this.#againAtMs = Math.min(this.#againAtMs, performance.now() + ms);
  }

  /** A claim that began then brought nothing. */
  async #lookedInVain(request: ClaimRequest, startedMs: number): Promise<void> {
    await this.#resting.lookedInVain(request.queue, performance.now() - startedMs, () =>
      isBlockedByUnknown(this.#parts.database, request),
    );
  }

  async #claimPlain(request: ClaimRequest): Promise<Claim> {
    const { database } = this.#parts;
    const startedMs = performance.now();
    const { queue } = request;
    const from = this.#places.next(queue);
    const { jobs: claimed, place } = await claimJobs(database, request, from).catch((error: unknown) => {
      this.#places.reached(queue, undefined);
      throw error;
    });
    this.#places.reached(queue, place);
    if (claimed.length === 0) await this.#lookedInVain(request, startedMs);
    const jobs = claimed.filter(({ task }) => !this.#limits.hasLimits(task));
    if (jobs.length === claimed.length) return { jobs, isMore: claimed.length === request.limit, strays: [] };
    this.#limits.countIn(queue);
    return { jobs, isMore: true, strays: claimed.filter(({ task }) => this.#limits.hasLimits(task)) };
  }

  /**
   * The oldest in a turn of their own: limits may hold them back while others could start. Lines are looked at
   * also while the queue rests: the jobs that are in the way stand in none of them.
   */
  async #claimLimited(asked: ClaimRequest, isQueueResting: boolean): Promise<Claim> {
    const { oldest, ...rest } = asked;
    const request = { ...rest, isQueueResting };
    const queue = this.#limitedQueue(request.queue);
    if (oldest > 0) {
      const { jobs } = await queue.claim({ ...request, limit: oldest, choice: "oldest" });
      if (jobs.length > 0) return { jobs, isMore: true, strays: [] };
    }
    const startedMs = performance.now();
    const { jobs, isMore, isVain, againInMs } = await queue.claim({ ...request, choice: "best" });
    if (jobs.length === 0) this.#comeAgainIn(againInMs);
    if (isVain && !isQueueResting) await this.#lookedInVain(asked, startedMs);
    return { jobs, isMore: isMore || jobs.length === request.limit, strays: [] };
  }

  #limitedQueue(queue: string): LimitedQueue {
    const known = this.#limited.get(queue);
    if (known !== undefined) return known;
    const limited = new LimitedQueue(this.#parts, {
      limitsOf: (task) => this.#limits.limitsOf(task),
      pollMs: this.#options.pollMs,
    });
    this.#limited.set(queue, limited);
    return limited;
  }
}

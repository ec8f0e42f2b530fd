import type { QueryAccess } from "@millrace/database";
import type { EventBus } from "../events/event-bus.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { LimitedClaimRequest } from "./choose-jobs.ts";
import { claimWithLimits } from "./claim-with-limits.ts";
import { LineSchedule } from "./line-schedule.ts";
import { limitersOf } from "./limits.ts";
import type { LimitsOf } from "./limits.ts";

/** Queued jobs that one transaction locks at most: parking them takes some 50 ms. */
const maxLookAhead = 1000;
/** Transactions that one claim takes at most before it lets its worker do something else. */
const maxRounds = 10;

type LimitedRequest = Pick<
  LimitedClaimRequest,
  "queue" | "taskKeys" | "limit" | "choice" | "worker" | "leaseMs" | "isQueueResting"
>;
type LimitedLook = {
  readonly jobs: readonly ClaimedJob[];
  readonly isMore: boolean;
  readonly isVain: boolean;
  readonly againInMs: number;
};
type Parts = { readonly database: QueryAccess; readonly bus: EventBus };

/** One worker's view of a queue in which limits hold: what it claims, and when it looks again. */
export class LimitedQueue {
  readonly #parts: Parts;
  readonly #limitsOf: LimitsOf;
  readonly #schedule: LineSchedule;

  constructor(parts: Parts, options: { readonly limitsOf: LimitsOf; readonly pollMs: number }) {
    this.#parts = parts;
    this.#limitsOf = options.limitsOf;
    this.#schedule = new LineSchedule(options.pollMs);
  }

  /**
   * Claims as `claimWithLimits` does, until there is a job or nothing is left to look at. When it has
   * brought nothing the worker, if it still has a free slot, is to claim again after `againInMs`, which is
   * at most a poll: 0 when there may be more, else when the rate of a line allows the next start. `isMore`:
   * there may be jobs that it did not look at. `isVain`: it neither brought nor parked a job.
   */
  async claim(request: LimitedRequest): Promise<LimitedLook> {
    let lookAhead = request.limit;
    let isVain = true;
    for (let round = 1; ; round++) {
      const { jobs, parked, isMore } = await this.#claimOnce(request, lookAhead);
      isVain &&= jobs.length + parked.length === 0;
      if (jobs.length > 0 || !isMore || round === maxRounds) {
        return { jobs, isMore, isVain, againInMs: isMore ? 0 : this.#schedule.againInMs() };
      }
      // What stands in front was held back. The further it reaches, the more is parked at once.
      lookAhead = Math.min(lookAhead * 4, maxLookAhead);
    }
  }

  /** Somebody says that there is work in the queue: a new job, or an end at another worker. */
  hint(): void {
    this.#schedule.hint();
  }

  /** A job of this queue runs no more, however it came to that: what waits for its place is looked at. */
  ended(job: { readonly task: string; readonly limit_key: string | null }): void {
    for (const { key, concurrency } of limitersOf(job, this.#limitsOf)) {
      if (concurrency !== undefined) this.#schedule.hasRoom(key);
    }
  }

  async #claimOnce(request: LimitedRequest, lookAhead: number) {
    const limitsOf = this.#limitsOf;
    const { database, bus } = this.#parts;
    const claimed = await this.#schedule.look((lines) =>
      claimWithLimits(database, {
        ...request,
        limitsOf,
        lookAhead: Math.max(lookAhead, request.limit),
        lines,
      }),
    );
    for (const job of claimed.parked) bus.publishTransition(transitionOf("parked", job, "scheduled"));
    for (const job of claimed.released) bus.publishTransition(transitionOf("released", job, "queued"));
    return claimed;
  }
}

import type { QueryAccess } from "@millrace/database";
import { Batcher } from "@millrace/kernel";
import type { StoredEvent } from "../events/event.ts";
import type { EventBus } from "../events/event-bus.ts";
import { ownStream, publishEvents } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import { succeedJobs, succeedMembers } from "../jobs/succeed-jobs.ts";
import type { RecordedSuccesses, SucceededJob } from "../jobs/succeed-jobs.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import type { EndingParts } from "../jobs/write-end.ts";
import { mayPassLater } from "./database-trouble.ts";

/** A success as its end is written, and what is told of it. */
export type Success = SucceededJob & { readonly job: TellingJob & { readonly workflow_id: string | null } };

/** In one statement. */
const maxSize = 500;

/**
 * Records successes of many jobs together: what is finished while one statement is under way goes with
 * the next. False, or a failure, means that nothing was written for this job.
 */
export class SuccessRecorder {
  readonly #single: Batcher<Success, boolean>;
  readonly #members: Batcher<Success, boolean>;
  readonly #recordSingle: (successes: readonly Success[]) => Promise<boolean[]>;

  constructor(
    parts: EndingParts & {
      readonly database: QueryAccess;
      readonly worker: { readonly id: string; readonly name: string };
    },
  ) {
    const told =
      (record: (successes: readonly Success[]) => Promise<RecordedSuccesses>) =>
      async (successes: readonly Success[]): Promise<boolean[]> => {
        const recorded = await record(successes);
        tell(parts.bus, successes, recorded);
        return successes.map(({ id }) => recorded.ended.has(id));
      };
    const createBatcher = (run: (successes: readonly Success[]) => Promise<boolean[]>) =>
      new Batcher({ maxSize, maxInFlight: 1, isOfOne: (error) => !mayPassLater(error), run });
    this.#recordSingle = told((jobs) => succeedJobs(parts.database, parts.worker, jobs));
    this.#single = createBatcher(this.#recordSingle);
    // By themselves: others do not wait for the turns of workflows.
    this.#members = createBatcher(told((jobs) => succeedMembers(parts, jobs)));
  }

  record(success: Success): Promise<boolean> {
    return (success.job.workflow_id === null ? this.#single : this.#members).add(success);
  }

  /**
   * What `record` gives for each, or false where it fails: for jobs that ended together, at once and by
   * themselves when nothing stands in the way.
   */
  async recordAll(successes: readonly Success[]): Promise<readonly boolean[]> {
    const isFew = successes.length <= maxSize && successes.every(({ job }) => job.workflow_id === null);
    if (isFew && successes.length > 0) {
      try {
        return await this.#recordSingle(successes);
      } catch {
        // One by one, below.
      }
    }
    const recorded = await Promise.allSettled(successes.map((success) => this.record(success)));
    return recorded.map((result) => result.status === "fulfilled" && result.value);
  }
}

function tell(bus: EventBus, successes: readonly Success[], recorded: RecordedSuccesses): void {
  if (bus.hasEventListeners) tellEvents(bus, successes, recorded);
  for (const { job } of successes) {
    const one = recorded.ended.get(job.id);
    if (one === undefined) continue;
    bus.publishTransition(transitionOf("succeeded", job, "succeeded", { runMs: one.runMs }));
  }
}

function tellEvents(bus: EventBus, successes: readonly Success[], { atMs, ended }: RecordedSuccesses): void {
  const events: NewEvent[] = [];
  const stored: StoredEvent[] = [];
  const at = new Date(atMs).toISOString();
  for (const { job } of successes) {
    const one = ended.get(job.id);
    if (one === undefined) continue;
    const { id, owner } = job;
    const stream = ownStream(id);
    if (!bus.admit(stream, owner)) continue;
    const type = "job.succeeded";
    const data = { job_id: id };
    events.push({ stream, owner, type, data });
    stored.push({ stream, seq: one.seq, type, data, at });
  }
  publishEvents(bus, events, stored);
}

import type { QueryAccess } from "@millrace/database";
import { Batcher } from "@millrace/kernel";
import type { StoredEvent } from "../events/event.ts";
import type { EventBus } from "../events/event-bus.ts";
import { ownStream, publishEvents } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import { succeedJobs, succeedMembers } from "../jobs/succeed-jobs.ts";
import type { RecordedSuccess, SucceededJob } from "../jobs/succeed-jobs.ts";
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
      (record: (successes: readonly Success[]) => Promise<readonly RecordedSuccess[]>) =>
      async (successes: readonly Success[]): Promise<boolean[]> => {
        const rows = new Map((await record(successes)).map((row) => [row.id, row]));
        tell(parts.bus, successes, rows);
        return successes.map(({ id }) => rows.has(id));
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

function tell(
  bus: EventBus,
  successes: readonly Success[],
  rows: ReadonlyMap<string, RecordedSuccess>,
): void {
  if (bus.hasEventListeners) tellEvents(bus, successes, rows);
  for (const { job } of successes) {
    const row = rows.get(job.id);
    if (row === undefined) continue;
    bus.publishTransition(transitionOf("succeeded", job, "succeeded", { runMs: row.run_ms }));
  }
}

function tellEvents(
  bus: EventBus,
  successes: readonly Success[],
  rows: ReadonlyMap<string, RecordedSuccess>,
): void {
  const events: NewEvent[] = [];
  const stored: StoredEvent[] = [];
  let at = "";
  for (const { job } of successes) {
    const row = rows.get(job.id);
    if (row === undefined) continue;
    const { id, owner } = job;
    const stream = ownStream(id);
    if (!bus.admit(stream, owner)) continue;
    // All of them ended in one statement, at the same time.
    at ||= new Date(row.at_ms).toISOString();
    const type = "job.succeeded";
    const data = { job_id: id };
    events.push({ stream, owner, type, data });
    stored.push({ stream, seq: row.seq, type, data, at });
  }
  publishEvents(bus, events, stored);
}

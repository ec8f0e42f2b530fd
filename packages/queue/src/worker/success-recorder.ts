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

type Success = SucceededJob & { readonly job: TellingJob & { readonly workflow_id: string | null } };

/**
 * Records successes of many jobs together: what is finished while one statement is under way goes with
 * the next. False, or a failure, means that nothing was written for this job.
 */
export class SuccessRecorder {
  readonly #single: Batcher<Success, boolean>;
  readonly #members: Batcher<Success, boolean>;

  constructor(
    parts: EndingParts & {
      readonly database: QueryAccess;
      readonly worker: { readonly id: string; readonly name: string };
    },
  ) {
    const createBatcher = (
      record: (successes: readonly Success[]) => Promise<readonly RecordedSuccess[]>,
    ): Batcher<Success, boolean> =>
      new Batcher({
        maxSize: 500,
        maxInFlight: 1,
        isOfOne: (error) => !mayPassLater(error),
        run: async (successes) => {
          const rows = new Map((await record(successes)).map((row) => [row.id, row]));
          tell(parts.bus, successes, rows);
          return successes.map(({ id }) => rows.has(id));
        },
      });
    this.#single = createBatcher((jobs) => succeedJobs(parts.database, parts.worker, jobs));
    // By themselves: others do not wait for the turns of workflows.
    this.#members = createBatcher((jobs) => succeedMembers(parts, jobs));
  }

  record(success: Success): Promise<boolean> {
    return (success.job.workflow_id === null ? this.#single : this.#members).add(success);
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

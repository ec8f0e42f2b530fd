import type { QueryAccess } from "@millrace/database";
import type { StoredEvent } from "../events/event.ts";
import type { EventBus } from "../events/event-bus.ts";
import { publishEvents } from "../events/append-events.ts";
import { succeedJobs } from "../jobs/succeed-jobs.ts";
import type { SucceededJob } from "../jobs/succeed-jobs.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import { Batcher } from "../batcher.ts";
import { mayPassLater } from "./database-trouble.ts";

type Success = SucceededJob & { readonly job: TellingJob };

/**
 * Records successes of many jobs together: what is finished while one statement is under way goes with
 * the next. False, or a failure, means that nothing was written for this job.
 */
export class SuccessRecorder {
  readonly #batcher: Batcher<Success, boolean>;

  constructor(parts: {
    database: QueryAccess;
    bus: EventBus;
    worker: { readonly id: string; readonly name: string };
  }) {
    this.#batcher = new Batcher({
      maxSize: 500,
      maxInFlight: 2,
      isOfOne: (error) => !mayPassLater(error),
      run: async (successes) => {
        const recorded = await succeedJobs(parts.database, parts.worker, successes);
        const rows = new Map(recorded.map((row) => [row.id, row]));
        const events: StoredEvent[] = [];
        for (const { job } of successes) {
          const row = rows.get(job.id);
          if (row === undefined) continue;
          const stored = { stream: `job:${job.id}`, seq: row.seq, at: row.at.toISOString() };
          events.push({ ...stored, type: "job.succeeded", data: { job_id: job.id } });
        }
        const owners = new Map(successes.map(({ job }) => [`job:${job.id}`, job.owner]));
        publishEvents(
          parts.bus,
          events.map((event) => ({ ...event, owner: owners.get(event.stream) ?? null })),
          events,
        );
        for (const { job } of successes) {
          const row = rows.get(job.id);
          if (row === undefined) continue;
          parts.bus.publishTransition(transitionOf("succeeded", job, "succeeded", { runMs: row.run_ms }));
        }
        return successes.map(({ id }) => rows.has(id));
      },
    });
  }

  record(success: Success): Promise<boolean> {
    return this.#batcher.add(success);
  }
}

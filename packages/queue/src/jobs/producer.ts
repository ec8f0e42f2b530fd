import { isTransactionConflict } from "@millrace/database";
import type { Database } from "@millrace/database";
import { Batcher, MillraceError } from "@millrace/kernel";
import type { Announcer } from "../brokers/broker.ts";
import type { EventBus } from "../events/event-bus.ts";
import { traceEnqueues } from "../observe/trace-enqueues.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { Task } from "../tasks/task.ts";
import { mayPassLater } from "../worker/database-trouble.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { enqueueAlone, enqueueJobs, prepareJob } from "./enqueue.ts";
import type { EnqueueOptions, PreparedJob } from "./enqueue.ts";
import type { JobRecord } from "./find-jobs.ts";

/** One job to write: what, on what, and how. */
export type JobRequest<Input = unknown, Output = unknown> = {
  readonly task: Task<Input, Output>;
  readonly input: Input;
  readonly options?: EnqueueOptions;
};

type ProducerParts = {
  readonly database: Database;
  readonly bus: EventBus;
  readonly broker: Announcer;
  readonly registry: TaskRegistry;
};

/** Writes jobs, each within a span in the caller's trace. */
export class Producer {
  readonly #parts: ProducerParts;
  readonly #adding: Batcher<PreparedJob, JobRecord | MillraceError>;

  constructor(parts: ProducerParts) {
    this.#parts = parts;
    this.#adding = new Batcher({
      maxSize: 1000,
      maxInFlight: 2,
      // Alone none can be in a deadlock.
      isOfOne: (error) => !mayPassLater(error) || isTransactionConflict(error),
      run: (jobs) => enqueueAlone(parts.database, parts, jobs),
    });
  }

  /** See `Queue.enqueue`. */
  async enqueue<Input, Output>(scope: WriteScope, request: JobRequest<Input, Output>): Promise<JobRecord> {
    return onlyOf(await this.enqueueMany(scope, [request]));
  }

  /** See `Queue.enqueueMany`. */
  async enqueueMany<Input, Output>(
    scope: WriteScope,
    requests: readonly JobRequest<Input, Output>[],
  ): Promise<JobRecord[]> {
    return await this.enqueuePrepared(scope, this.#prepare(requests));
  }

  /** The same for what is prepared already. */
  enqueuePrepared(scope: WriteScope, jobs: readonly PreparedJob[]): Promise<JobRecord[]> {
    return traceEnqueues(jobs, (traced) => enqueueJobs(scope, this.#parts, traced));
  }

  /** See `Queue.add`. */
  async add<Input, Output>(request: JobRequest<Input, Output>): Promise<JobRecord> {
    const added = await traceEnqueues(this.#prepare([request]), (jobs) =>
      Promise.all(jobs.map((job) => this.#addMerged(job))),
    );
    return onlyOf(added);
  }

  /** See `Queue.addMany`. */
  async addMany<Input, Output>(requests: readonly JobRequest<Input, Output>[]): Promise<JobRecord[]> {
    return await traceEnqueues(this.#prepare(requests), (jobs) =>
      withWriteScope(this.#parts.database, (scope) => enqueueJobs(scope, this.#parts, jobs), "enqueue"),
    );
  }

  #prepare<Input, Output>(requests: readonly JobRequest<Input, Output>[]): PreparedJob[] {
    const { registry } = this.#parts;
    return requests.map(({ task, input, options = {} }) =>
      prepareJob(registry.taskFor(task), input, options),
    );
  }

  async #addMerged(job: PreparedJob): Promise<JobRecord> {
    const record = await this.#adding.add(job);
    if (record instanceof MillraceError) throw record;
    return record;
  }
}

function onlyOf([job]: readonly JobRecord[]): JobRecord {
  if (job === undefined) throw new Error("one job was given and none came back");
  return job;
}

import type { Database } from "@millrace/database";
import type { Logger, Service } from "@millrace/kernel";
import type { Broker } from "./brokers/broker.ts";
import { createMemoryBroker } from "./brokers/memory-broker.ts";
import { appendEvents } from "./events/append-events.ts";
import type { NewEvent } from "./events/append-events.ts";
import type { EventFeed } from "./events/event.ts";
import { EventBus } from "./events/event-bus.ts";
import { createEventFeed } from "./events/event-feed.ts";
import { cancelJob } from "./jobs/cancel.ts";
import { enqueueJob } from "./jobs/enqueue.ts";
import type { EnqueueOptions } from "./jobs/enqueue.ts";
import { isTerminal } from "@millrace/contracts";
import { findJobs } from "./jobs/find-jobs.ts";
import type { JobRecord } from "./jobs/find-jobs.ts";
import { reapJobs } from "./jobs/reap.ts";
import { retryJob } from "./jobs/retry.ts";
import type { AnyTaskHandler, Task } from "./tasks/task.ts";
import { TaskRegistry } from "./tasks/task-registry.ts";
import { createLocalHeartbeat } from "./worker/heartbeat.ts";
import { createMaintenance } from "./worker/maintenance.ts";
import { EventWriter } from "./worker/event-writer.ts";
import { createThreadedHeartbeat } from "./worker/threaded-heartbeat.ts";
import { Worker } from "./worker/worker.ts";
import { withWriteScope } from "./write-scope.ts";
import type { WriteScope } from "./write-scope.ts";

export type QueueWorkerOptions = {
  readonly name: string;
  readonly concurrency: number;
  /** Default: every queue of a registered task. */
  readonly queues?: readonly string[];
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly pollMs: number;
  readonly drainMs: number;
  /** A module that calls `serveOneJob`, for jobs that run in a process of their own. */
  readonly isolationEntry?: URL;
  /** With PostgreSQL: where the thread that beats connects. Absent in embedded mode. */
  readonly heartbeatUrl?: string;
};

export type QueueWorker = Service & Pick<Worker, "id" | "handBack" | "isProgressing" | "busySlots">;

/** The task queue of one process. Producers enqueue with it; a worker made from it runs jobs. */
export class Queue {
  readonly bus: EventBus;
  readonly feed: EventFeed;
  readonly database: Database;
  readonly #logger: Logger;
  readonly #broker: Broker;
  readonly #registry: TaskRegistry;
  readonly #workers = new Set<Worker>();
  #staleWrites = 0;

  constructor(parts: {
    database: Database;
    logger: Logger;
    handlers: readonly AnyTaskHandler[];
    broker?: Broker;
  }) {
    this.database = parts.database;
    this.#logger = parts.logger;
    this.bus = new EventBus(parts.logger);
    this.#broker = parts.broker ?? createMemoryBroker();
    this.#registry = new TaskRegistry(parts.handlers);
    this.feed = createEventFeed(parts.database, this.bus);
  }

  /** Opens a transaction whose hints and events go out when it has committed. */
  transaction<Result>(work: (scope: WriteScope) => Promise<Result>): Promise<Result> {
    return withWriteScope(this.database, work);
  }

  /** Writes a job in the caller's transaction. Returns it as written. */
  enqueue<Input, Output>(
    scope: WriteScope,
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions = {},
  ): Promise<JobRecord> {
    return enqueueJob(scope, { bus: this.bus, broker: this.#broker }, { task, input, options });
  }

  /** Appends numbered events in the caller's transaction. */
  appendEvents(scope: WriteScope, events: readonly NewEvent[]): Promise<void> {
    return appendEvents(scope, this.bus, events);
  }

  /** Cancels a job in the caller's transaction, whatever its state. See `cancelJob`. */
  cancel(scope: WriteScope, id: string): Promise<"cancelled" | "cancelling"> {
    return cancelJob(
      scope,
      { ...this.#endingParts(), onCancelRequested: (job) => this.#stopRunning(job) },
      id,
    );
  }

  /** Puts an ended job back in line. See `retryJob`. */
  retry(scope: WriteScope, id: string): Promise<void> {
    return retryJob(scope, { ...this.#endingParts(), broker: this.#broker }, id);
  }

  /**
   * Resolves with the job when it has ended, or with its present state when the time is over or the
   * signal aborts. Hears of ends in this process at once and looks once a second for others.
   */
  async waitForEnd(
    id: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<JobRecord | undefined> {
    const deadline = performance.now() + options.timeoutMs;
    for (;;) {
      const change = this.#nextChange(
        id,
        options.signal,
        Math.min(1000, Math.max(1, deadline - performance.now())),
      );
      const [job] = await findJobs(this.database.queryable, [id]);
      if (
        job === undefined ||
        isTerminal(job.state) ||
        performance.now() >= deadline ||
        options.signal?.aborted
      ) {
        change.stop();
        return job;
      }
      await change.happened;
    }
  }

  /**
   * Takes back every running job at once: only when it is proven that no other process works on
   * this database, as the folder lock of embedded mode does. Returns how many.
   */
  takeBackAll(): Promise<number> {
    return reapJobs(this.#reapParts(), "all_running");
  }

  /** A worker of this process with its upkeep; start it to run jobs. */
  createWorker(options: QueueWorkerOptions): QueueWorker {
    const times = { leaseMs: options.leaseMs, beatMs: options.beatMs };
    const heartbeat =
      options.heartbeatUrl === undefined
        ? createLocalHeartbeat({ database: this.database, logger: this.#logger, times })
        : createThreadedHeartbeat({
            settings: { url: options.heartbeatUrl, ...times },
            logger: this.#logger,
          });
    const worker = new Worker(
      {
        ...this.#reapParts(),
        logger: this.#logger,
        heartbeat,
        writer: new EventWriter({ database: this.database.background, bus: this.bus, logger: this.#logger }),
        onStaleWrite: () => this.#staleWrites++,
      },
      { ...options, queues: options.queues ?? this.#registry.queues() },
    );
    const maintenance = createMaintenance(
      { ...this.#reapParts(), logger: this.#logger },
      {
        pollMs: options.pollMs,
        leaseMs: options.leaseMs,
        workerId: worker.id,
        isHeld: (id) => this.database.kind === "embedded" && worker.isRunning(id),
      },
    );
    this.#workers.add(worker);
    return {
      name: worker.name,
      id: worker.id,
      start: async () => {
        await worker.start();
        await maintenance.start();
      },
      stop: async () => {
        // Beside each other: jobs must not wait for a turn of the upkeep to be told.
        await Promise.all([maintenance.stop(), worker.stop()]);
        this.#workers.delete(worker);
      },
      handBack: () => worker.handBack(),
      isProgressing: () => worker.isProgressing(),
      get busySlots() {
        return worker.busySlots;
      },
    };
  }

  /** Ends that came too late and were refused, since the process started. */
  get staleWrites(): number {
    return this.#staleWrites;
  }

  #endingParts() {
    return { bus: this.bus, registry: this.#registry };
  }

  #reapParts() {
    return { ...this.#endingParts(), database: this.database.background, broker: this.#broker };
  }

  #stopRunning(jobId: string): void {
    for (const worker of this.#workers) worker.cancel(jobId);
  }

  #nextChange(id: string, signal: AbortSignal | undefined, maxMs: number) {
    let stop = (): void => undefined;
    const happened = new Promise<void>((resolve) => {
      const unsubscribe = this.bus.onNotice((notice) => {
        if (notice.data["job_id"] === id) stop();
      });
      const timer = setTimeout(() => stop(), maxMs);
      const onAbort = (): void => stop();
      signal?.addEventListener("abort", onAbort, { once: true });
      stop = () => {
        unsubscribe();
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
    });
    return { happened, stop: () => stop() };
  }
}

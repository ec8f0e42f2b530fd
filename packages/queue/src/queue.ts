import { MemoryStore, StoredCache } from "@millrace/cache";
import type { Cache } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { BackgroundWork } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { Broker } from "./brokers/broker.ts";
import { createMemoryBroker } from "./brokers/memory-broker.ts";
import { appendEvents } from "./events/append-events.ts";
import type { NewEvent } from "./events/append-events.ts";
import type { EventFeed } from "./events/event.ts";
import { EventBus } from "./events/event-bus.ts";
import { QueueControl } from "./control/queue-control.ts";
import { createEventFeed } from "./events/event-feed.ts";
import { cancelJob } from "./jobs/cancel.ts";
import type { CancelParts } from "./jobs/cancel.ts";
import type { EnqueueOptions } from "./jobs/enqueue.ts";
import { JobMirror } from "./mirror/job-mirror.ts";
import type { MirrorStore } from "./mirror/mirror-store.ts";
import { Hooks } from "./observe/hooks.ts";
import type { HookListener, HookName } from "./observe/hooks.ts";
import type { JobDetailRecord, JobRecord } from "./jobs/find-jobs.ts";
import { JobReader } from "./jobs/job-reader.ts";
import { Producer } from "./jobs/producer.ts";
import type { JobRequest } from "./jobs/producer.ts";
import { readOutput } from "./jobs/read-output.ts";
import { reapJobs } from "./jobs/reap.ts";
import { retryJob } from "./jobs/retry.ts";
import { createScheduleTasks } from "./schedules/schedule-tasks.ts";
import { Schedules } from "./schedules/schedules.ts";
import type { TaskOverrides } from "./tasks/override-tasks.ts";
import type { AnyTaskHandler, Task } from "./tasks/task.ts";
import { TaskRegistry } from "./tasks/task-registry.ts";
import { QueueWorkers } from "./worker/queue-workers.ts";
import type { QueueWorker, QueueWorkerOptions } from "./worker/queue-workers.ts";
import { Workflows } from "./workflows/workflows.ts";
import { answerJob } from "./waiting/answer-job.ts";
import type { GivenAnswer } from "./waiting/answer-job.ts";
import { withWriteScope } from "./write-scope.ts";
import type { WriteScope } from "./write-scope.ts";

/** The task queue of one process. Producers enqueue with it; a worker made from it runs jobs. */
export class Queue {
  readonly bus: EventBus;
  readonly feed: EventFeed;
  readonly hooks: Hooks;
  /** Pause, limits, purge, workers: what people set and ask for while the queue runs. */
  readonly control: QueueControl;
  /** When jobs are made by themselves. */
  readonly schedules: Schedules;
  /** Chains, groups, chords and maps of jobs. */
  readonly workflows: Workflows;
  readonly database: Database;
  /** Makes copies of jobs from its start on; undefined where there is no place for them. */
  readonly mirror: JobMirror | undefined;
  readonly #registry: TaskRegistry;
  readonly #producer: Producer;
  readonly #reader: JobReader;
  readonly #workers: QueueWorkers;
  /** For what ends or wakes jobs. */
  readonly #ending: CancelParts & { readonly broker: Broker };

  constructor(parts: {
    database: Database;
    logger: Logger;
    handlers: readonly AnyTaskHandler[];
    broker?: Broker;
    /** Tasks that this process knows besides those it runs: to enqueue them and to show their jobs. */
    tasks?: readonly Task[];
    /** What settings change of the tasks. */
    overrides?: TaskOverrides;
    /** What handlers get. Default one in the memory of this process. */
    cache?: Cache;
    /** Where copies of jobs are kept, to be looked at first. Default nowhere. */
    mirror?: MirrorStore;
  }) {
    const { database, logger, broker = createMemoryBroker() } = parts;
    const { tasks = [], overrides = {} } = parts;
    const bus = new EventBus(logger);
    const registry = new TaskRegistry(parts.handlers, { tasks, overrides });
    for (const pattern of registry.checkOverrides()) {
      logger.warn({ pattern }, "a task override covers no task");
    }
    const following = new BackgroundWork(logger);
    const onCancelRequested = (id: string): void => this.#workers.cancel(id);
    const onStopping = (id: string): void => this.workflows.stopSoon(id);
    this.database = database;
    this.bus = bus;
    this.#registry = registry;
    this.#ending = { bus, broker, registry, onCancelRequested, onStopping };
    this.#producer = new Producer({ database, bus, broker, registry });
    this.mirror = parts.mirror && new JobMirror({ database, bus, registry, store: parts.mirror, logger });
    this.#reader = new JobReader({ database, bus, registry, mirror: this.mirror });
    this.hooks = new Hooks(bus, logger);
    this.feed = createEventFeed(database, bus);
    this.control = new QueueControl({
      ...{ database, ...this.#ending },
      onSignal: (signal) => this.hooks.emit(signal),
      onReleased: (held) => this.#workers.letGo(held),
    });
    this.workflows = new Workflows({
      ...{ database, bus, broker, registry, onCancelRequested },
      background: following,
    });
    this.schedules = new Schedules({
      ...{ database, logger },
      tasks: createScheduleTasks(registry),
      enqueue: (scope, jobs) => this.#producer.enqueuePrepared(scope, jobs),
    });
    this.#workers = new QueueWorkers({
      ...{ database, bus, broker, registry, onStopping, logger, following },
      ...{ hooks: this.hooks, control: this.control, schedules: this.schedules, mirror: this.mirror },
      cache: parts.cache ?? new StoredCache({ store: new MemoryStore(), logger }),
    });
  }

  /** Every task that this process knows, as the settings want it, by name and version. */
  get tasks(): readonly Task[] {
    return this.#registry.tasks();
  }

  /** Calls back on what happens to jobs, workers and queues in this process. See `Hooks`. */
  on<Name extends HookName>(name: Name, listener: HookListener<Name>): () => void {
    return this.hooks.on(name, listener);
  }

  /** Opens a transaction whose hints and events go out when it has committed. */
  transaction<Result>(work: (scope: WriteScope) => Promise<Result>): Promise<Result> {
    return withWriteScope(this.database, work, "caller");
  }

  /** Writes a job in the caller's transaction. Returns it as written. See `enqueueJobs`. */
  enqueue<Input, Output>(
    scope: WriteScope,
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions = {},
  ): Promise<JobRecord> {
    return this.#producer.enqueue(scope, { task, input, options });
  }

  /** Writes many jobs in the caller's transaction, with one statement. */
  enqueueMany<Input, Output>(
    scope: WriteScope,
    requests: readonly JobRequest<Input, Output>[],
  ): Promise<JobRecord[]> {
    return this.#producer.enqueueMany(scope, requests);
  }

  /**
   * Writes a job in a transaction of its own: when this resolves, the job is there for good. Calls that
   * come at the same time are written together.
   */
  add<Input, Output>(
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions = {},
  ): Promise<JobRecord> {
    return this.#producer.add({ task, input, options });
  }

  /** The same for many: all of them or none. */
  addMany<Input, Output>(requests: readonly JobRequest<Input, Output>[]): Promise<JobRecord[]> {
    return this.#producer.addMany(requests);
  }

  /**
   * Adds a job and waits for what it returns, as its task's schema reads it. Throws `job_failed`,
   * `job_cancelled` or `job_expired` for another end, and `job_not_finished` when the time is over: the
   * job goes on, and `result` has it later.
   */
  async call<Input, Output>(
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions & { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Output> {
    const { timeoutMs, signal, ...rest } = options;
    const { id } = await this.add(task, input, rest);
    const waiting = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    return readOutput(this.database.queryable, task, await this.waitForEnd(id, waiting), id);
  }

  /** What a job returned, as `call` gives it, without waiting. Throws `job_not_found` too. */
  result<Input, Output>(task: Task<Input, Output>, id: string): Promise<Output> {
    return this.#reader.result(task, id);
  }

  /**
   * A job with what it was given, gave and went through, without what its task says nobody is to see, as `findJobs`
   * and `readDetail` give it; undefined when there is none. Where copies of jobs are kept these are looked at
   * first: of a job that has not ended it may then be a second behind.
   */
  look(id: string): Promise<{ readonly job: JobRecord; readonly detail: JobDetailRecord } | undefined> {
    return this.#reader.look(id);
  }

  /** Appends numbered events in the caller's transaction. */
  appendEvents(scope: WriteScope, events: readonly NewEvent[]): Promise<void> {
    return appendEvents(scope, this.bus, events);
  }

  /** Cancels a job in the caller's transaction, whatever its state. See `cancelJob`. */
  cancel(scope: WriteScope, id: string): Promise<"cancelled" | "cancelling"> {
    return cancelJob(scope, this.#ending, id);
  }

  /** Answers what a job waits for, in the caller's transaction. See `answerJob`. */
  answer(scope: WriteScope, id: string, given: GivenAnswer): Promise<void> {
    return answerJob(scope, this.#ending, id, given);
  }

  /** Puts an ended job back in line. See `retryJob`. */
  retry(scope: WriteScope, id: string): Promise<void> {
    return retryJob(scope, this.#ending, id);
  }

  /**
   * Resolves with the job when it has ended, or with its present state when the time is over or the
   * signal aborts. Hears of ends at once where they are told, and looks once a second for others.
   */
  waitForEnd(
    id: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<JobRecord | undefined> {
    return this.#reader.waitForEnd(id, options);
  }

  /**
   * Takes back every running job at once: only when it is proven that no other process works on
   * this database, as the folder lock of embedded mode does. Returns how many; `worker.lost` says from whom.
   */
  takeBackAll(): Promise<number> {
    return reapJobs({ ...this.#ending, database: this.database.background }, "all_running", {
      onLost: (lost, jobs) => this.hooks.emit({ type: "worker.lost", worker: lost, jobs }),
    });
  }

  /**
   * A worker of this process with its upkeep; start it to run jobs. Throws `missing_handler` when a task
   * that this process knows is of a queue that the worker serves, and nothing here runs it.
   */
  createWorker(given: QueueWorkerOptions): QueueWorker {
    return this.#workers.create(given);
  }

  /**
   * What a job was given, gave and went through, without what its task says nobody is to see. Throws
   * `job_not_found`.
   */
  readDetail(id: string): Promise<JobDetailRecord> {
    return this.#reader.readDetail(id);
  }

  /** The same of its input and output alone, however large. Throws `job_not_found`. */
  readPayload(id: string): Promise<{ readonly input: unknown; readonly output: unknown }> {
    return this.#reader.readPayload(id);
  }

  /** Attempts whose steps, transactions or ends came too late and were refused, since the process started. */
  get staleWrites(): number {
    return this.#workers.staleWrites;
  }
}

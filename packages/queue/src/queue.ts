import { MemoryStore, StoredCache } from "@millrace/cache";
import type { Cache } from "@millrace/cache";
import { isTransactionConflict } from "@millrace/database";
import type { Database } from "@millrace/database";
import { BackgroundWork, MillraceError, newId } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { Batcher } from "./batcher.ts";
import type { Broker } from "./brokers/broker.ts";
import { createMemoryBroker } from "./brokers/memory-broker.ts";
import { appendEvents } from "./events/append-events.ts";
import type { NewEvent } from "./events/append-events.ts";
import type { EventFeed } from "./events/event.ts";
import { EventBus } from "./events/event-bus.ts";
import { QueueControl } from "./control/queue-control.ts";
import { TaskEnds } from "./counts/task-ends.ts";
import { createEventFeed } from "./events/event-feed.ts";
import { cancelJob } from "./jobs/cancel.ts";
import { enqueueAlone, enqueueJobs, prepareJob } from "./jobs/enqueue.ts";
import type { EnqueueOptions, PreparedJob } from "./jobs/enqueue.ts";
import { JobMirror } from "./mirror/job-mirror.ts";
import type { MirrorStore } from "./mirror/mirror-store.ts";
import { Hooks } from "./observe/hooks.ts";
import type { HookListener, HookName } from "./observe/hooks.ts";
import { traceEnqueues } from "./observe/trace-enqueues.ts";
import type { JobDetailRecord, JobRecord } from "./jobs/find-jobs.ts";
import { JobReader } from "./jobs/job-reader.ts";
import { readOutput } from "./jobs/read-output.ts";
import type { ClaimedJob } from "./jobs/job-row.ts";
import { reapJobs } from "./jobs/reap.ts";
import { retryJob } from "./jobs/retry.ts";
import { createScheduleTasks } from "./schedules/schedule-tasks.ts";
import { Schedules } from "./schedules/schedules.ts";
import type { TaskOverrides } from "./tasks/override-tasks.ts";
import type { AnyTaskHandler, Task } from "./tasks/task.ts";
import { TaskRegistry } from "./tasks/task-registry.ts";
import { mayPassLater } from "./worker/database-trouble.ts";
import { createLocalHeartbeat } from "./worker/heartbeat.ts";
import type { Heartbeat } from "./worker/heartbeat.ts";
import { createMaintenance } from "./worker/maintenance.ts";
import type { Chore } from "./worker/maintenance.ts";
import { queueChores, workerChores } from "./worker/queue-chores.ts";
import { EventWriter } from "./worker/event-writer.ts";
import { createThreadedHeartbeat } from "./worker/threaded-heartbeat.ts";
import { SuccessRecorder } from "./worker/success-recorder.ts";
import { Worker } from "./worker/worker.ts";
import { Workflows } from "./workflows/workflows.ts";
import { withWriteScope } from "./write-scope.ts";
import type { WriteScope } from "./write-scope.ts";

export type QueueWorkerOptions = {
  readonly name: string;
  readonly concurrency: number;
  /** Default: every queue of a registered task. */
  readonly queues?: readonly string[];
  /** Of the program, shown with the worker. */
  readonly version?: string;
  /** How long it may be silent before its jobs are taken back. Default 60 s, embedded 20 s. */
  readonly leaseMs?: number;
  /** Default a quarter of the lease. */
  readonly beatMs?: number;
  /** How often it looks for work that nobody told it of. Default 2 s. */
  readonly pollMs?: number;
  /** How long `stop` waits for running jobs before it hands them back. Default 3 s. */
  readonly drainMs?: number;
  /** A module that calls `serveJobs`, for jobs that run in a process of their own. */
  readonly isolationEntry?: URL;
  /** With PostgreSQL: where the thread that beats connects. Absent in embedded mode. */
  readonly heartbeatUrl?: string;
  /** What one of all workers is to do besides what the queue itself needs. Default nothing. */
  readonly chores?: readonly Chore[];
};

export type QueueWorker = Service &
  Pick<Worker, "id" | "handBack" | "isProgressing" | "busySlots" | "concurrency"> & {
    /** Those that it serves. */
    readonly queues: readonly string[];
  };

/** The contract's numbers. Embedded, a killed process is noticed by its folder's lock, at once. */
function defaultTimes(kind: Database["kind"], { leaseMs }: { readonly leaseMs?: number }) {
  const lease = leaseMs ?? (kind === "embedded" ? 20_000 : 60_000);
  return { leaseMs: lease, beatMs: lease / 4, pollMs: 2_000, drainMs: 3_000 };
}

/** One job to write: what, on what, and how. */
export type JobRequest<Input = unknown, Output = unknown> = {
  readonly task: Task<Input, Output>;
  readonly input: Input;
  readonly options?: EnqueueOptions;
};

/** However rarely a worker looks for jobs by itself: no hint tells of what has become due. */
const maxUpkeepMs = 2_000;

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
  readonly #cache: Cache;
  readonly #reader: JobReader;
  readonly #following: BackgroundWork;
  readonly #logger: Logger;
  readonly #broker: Broker;
  readonly #registry: TaskRegistry;
  readonly #workers = new Set<Worker>();
  readonly #taskEnds: TaskEnds;
  readonly #adding: Batcher<PreparedJob, JobRecord | MillraceError>;
  #staleWrites = 0;

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
    this.database = parts.database;
    this.#logger = parts.logger;
    this.bus = new EventBus(parts.logger);
    this.#broker = parts.broker ?? createMemoryBroker();
    this.#taskEnds = new TaskEnds(this.bus);
    this.#registry = new TaskRegistry(parts.handlers, {
      tasks: parts.tasks ?? [],
      overrides: parts.overrides ?? {},
    });
    const { database, logger } = parts;
    const { bus } = this;
    const registry = this.#registry;
    this.mirror = parts.mirror && new JobMirror({ database, bus, registry, store: parts.mirror, logger });
    this.#cache = parts.cache ?? new StoredCache({ store: new MemoryStore(), logger });
    this.#reader = new JobReader({ database, bus, registry, mirror: this.mirror });
    this.control = new QueueControl({
      database: parts.database,
      bus: this.bus,
      broker: this.#broker,
      registry: this.#registry,
      onSignal: (signal) => this.hooks.emit(signal),
      onCancelRequested: (id) => this.#stopRunning(id),
      onReleased: (held) => this.#letGo(held),
      onStopping: (id) => this.workflows.stopSoon(id),
    });
    this.#following = new BackgroundWork(parts.logger);
    this.workflows = new Workflows({
      database: parts.database,
      bus: this.bus,
      broker: this.#broker,
      registry: this.#registry,
      onCancelRequested: (id) => this.#stopRunning(id),
      background: this.#following,
    });
    for (const pattern of this.#registry.checkOverrides()) {
      parts.logger.warn({ pattern }, "a task override covers no task");
    }
    this.hooks = new Hooks(this.bus, parts.logger);
    this.feed = createEventFeed(parts.database, this.bus);
    this.schedules = new Schedules({
      database: parts.database,
      logger: parts.logger,
      tasks: createScheduleTasks(this.#registry),
      enqueue: (scope, jobs) => traceEnqueues(jobs, (traced) => this.#enqueue(scope, traced)),
    });
    this.#adding = new Batcher({
      maxSize: 1000,
      maxInFlight: 2,
      // Alone none can be in a deadlock.
      isOfOne: (error) => !mayPassLater(error) || isTransactionConflict(error),
      run: (jobs) => enqueueAlone(this.database, { bus: this.bus, broker: this.#broker }, jobs),
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
  async enqueue<Input, Output>(
    scope: WriteScope,
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions = {},
  ): Promise<JobRecord> {
    const [job] = await this.#traced([{ task, input, options }], (jobs) => this.#enqueue(scope, jobs));
    if (job === undefined) throw new Error("one job was given and none came back");
    return job;
  }

  /** Writes many jobs in the caller's transaction, with one statement. */
  async enqueueMany<Input, Output>(
    scope: WriteScope,
    requests: readonly JobRequest<Input, Output>[],
  ): Promise<JobRecord[]> {
    return await this.#traced(requests, (jobs) => this.#enqueue(scope, jobs));
  }

  /**
   * Writes a job in a transaction of its own: when this resolves, the job is there for good. Calls that
   * come at the same time are written together.
   */
  async add<Input, Output>(
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions = {},
  ): Promise<JobRecord> {
    const [job] = await this.#traced([{ task, input, options }], (jobs) =>
      Promise.all(jobs.map((one) => this.#addMerged(one))),
    );
    if (job === undefined) throw new Error("one job was given and none came back");
    return job;
  }

  /** The same for many: all of them or none. */
  async addMany<Input, Output>(requests: readonly JobRequest<Input, Output>[]): Promise<JobRecord[]> {
    return await this.#traced(requests, (jobs) =>
      withWriteScope(this.database, (scope) => this.#enqueue(scope, jobs), "enqueue"),
    );
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
    return cancelJob(
      scope,
      { ...this.#endingParts(), onCancelRequested: (job) => this.#stopRunning(job) },
      id,
    );
  }

  /** Puts an ended job back in line. See `retryJob`. */
  retry(scope: WriteScope, id: string): Promise<void> {
    return retryJob(scope, this.#endingParts(), id);
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
   * this database, as the folder lock of embedded mode does. Returns how many.
   */
  takeBackAll(): Promise<number> {
    return reapJobs(this.#reapParts(), "all_running");
  }

  /**
   * A worker of this process with its upkeep; start it to run jobs. Throws `missing_handler` when a task
   * that this process knows is of a queue that the worker serves, and nothing here runs it.
   */
  createWorker(given: QueueWorkerOptions): QueueWorker {
    const id = newId();
    const options = { ...defaultTimes(this.database.kind, given), queues: this.#registry.queues(), ...given };
    const served = given.queues === undefined ? undefined : new Set(given.queues);
    this.#registry.assertHandlers(
      this.#registry.tasks().filter(({ queue }) => served === undefined || served.has(queue)),
    );
    const worker = new Worker(
      id,
      {
        ...this.#reapParts(),
        cache: this.#cache,
        logger: this.#logger,
        heartbeat: this.#createHeartbeat(options),
        hooks: this.hooks,
        successes: new SuccessRecorder({
          ...this.#reapParts(),
          worker: { id, name: options.name },
        }),
        writer: new EventWriter({
          database: this.database.background,
          bus: this.bus,
          logger: this.#logger,
          onProgress: (jobId) => this.mirror?.touch(jobId),
        }),
        onStaleWrite: (job) => this.#refused(job),
      },
      options,
    );
    const further = (options.chores ?? []).map((chore) => worker.upkeep.whenMine(chore));
    const upkeepMs = Math.min(options.pollMs, maxUpkeepMs);
    const chores = queueChores(
      {
        ...this.#reapParts(),
        whole: this.database,
        control: this.control,
        logger: this.#logger,
        onCancelRequested: (job) => this.#stopRunning(job),
      },
      {
        pollMs: upkeepMs,
        leaseMs: options.leaseMs,
        onLost: (lost, jobs) => this.hooks.emit({ type: "worker.lost", worker: lost, jobs }),
        isHeld: (jobId) => this.database.kind === "embedded" && worker.isRunning(jobId),
        turn: worker.upkeep,
      },
    );
    const own = [...workerChores(worker, { pollMs: upkeepMs }), this.#countEnds(upkeepMs)];
    const maintenance = createMaintenance(
      { logger: this.#logger },
      { pollMs: upkeepMs, chores: [...own, ...chores, ...further] },
    );
    const scheduler = this.schedules.createScheduler({ pollMs: upkeepMs });
    this.#workers.add(worker);
    return {
      name: worker.name,
      id: worker.id,
      queues: options.queues,
      start: async () => {
        await worker.start();
        await maintenance.start();
        await scheduler.start();
      },
      stop: async () => {
        // Beside each other: jobs must not wait for a turn of the upkeep to be told.
        await Promise.all([maintenance.stop(), scheduler.stop(), worker.stop()]);
        this.#workers.delete(worker);
        await this.#following.settle();
        await this.hooks.settle();
      },
      handBack: () => worker.handBack(),
      isProgressing: () => worker.isProgressing(),
      get concurrency() {
        return worker.concurrency;
      },
      get busySlots() {
        return worker.busySlots;
      },
    };
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
    return this.#staleWrites;
  }

  /** Prepares and writes jobs within a span of each, in the caller's trace. */
  #traced<Input, Output, Result>(
    requests: readonly JobRequest<Input, Output>[],
    write: (jobs: readonly PreparedJob[]) => Promise<Result>,
  ): Promise<Result> {
    return traceEnqueues(
      requests.map((request) => this.#prepare(request)),
      write,
    );
  }

  #prepare<Input, Output>({ task, input, options }: JobRequest<Input, Output>): PreparedJob {
    return prepareJob(this.#registry.taskFor(task), input, options ?? {});
  }

  async #addMerged(job: PreparedJob): Promise<JobRecord> {
    const record = await this.#adding.add(job);
    if (record instanceof MillraceError) throw record;
    return record;
  }

  #enqueue(scope: WriteScope, jobs: readonly PreparedJob[]): Promise<JobRecord[]> {
    return enqueueJobs(scope, { bus: this.bus, broker: this.#broker }, jobs);
  }

  #refused({ id, task, queue, owner, attempt }: ClaimedJob): void {
    this.#staleWrites++;
    this.hooks.emit({ type: "write.refused", job: { id, task, queue, owner, attempt } });
  }

  #createHeartbeat(options: {
    readonly leaseMs: number;
    readonly beatMs: number;
    readonly heartbeatUrl?: string;
  }): Heartbeat {
    const times = { leaseMs: options.leaseMs, beatMs: options.beatMs };
    const { heartbeatUrl: url } = options;
    return url === undefined
      ? createLocalHeartbeat({ database: this.database, logger: this.#logger, times })
      : createThreadedHeartbeat({ settings: { url, ...times }, logger: this.#logger });
  }

  #endingParts() {
    const onStopping = (id: string): void => this.workflows.stopSoon(id);
    return { bus: this.bus, broker: this.#broker, registry: this.#registry, onStopping };
  }

  #countEnds(pollMs: number): Chore {
    return {
      name: "count ends of tasks",
      everyMs: 5 * pollMs,
      run: () => this.#taskEnds.write(this.database.background),
    };
  }

  #reapParts() {
    return { ...this.#endingParts(), database: this.database.background };
  }

  #letGo(held: { readonly id: string; readonly fence: number }): void {
    for (const worker of this.#workers) worker.letGo(held);
  }

  #stopRunning(jobId: string): void {
    for (const worker of this.#workers) worker.cancel(jobId);
  }
}

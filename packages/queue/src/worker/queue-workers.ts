import type { Cache } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { ConcurrencyLimit, newId, toError } from "@millrace/kernel";
import type { BackgroundWork, Logger, Service } from "@millrace/kernel";
import type { Broker } from "../brokers/broker.ts";
import type { QueueControl } from "../control/queue-control.ts";
import { TaskEnds } from "../counts/task-ends.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { EndingParts } from "../jobs/write-end.ts";
import type { JobMirror } from "../mirror/job-mirror.ts";
import type { Hooks } from "../observe/hooks.ts";
import type { Schedules } from "../schedules/schedules.ts";
import { EventWriter } from "./event-writer.ts";
import { createLocalHeartbeat } from "./heartbeat.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { createMaintenance } from "./maintenance.ts";
import type { Chore } from "./maintenance.ts";
import { queueChores, workerChores } from "./queue-chores.ts";
import { endsAtOnce } from "./record-end.ts";
import { SuccessRecorder } from "./success-recorder.ts";
import { createThreadedHeartbeat } from "./threaded-heartbeat.ts";
import { Worker } from "./worker.ts";

export type QueueWorkerOptions = {
  readonly name: string;
  readonly concurrency: number;
  /** Default: every queue of a registered task. */
  readonly queues?: readonly string[];
  /**
   * Slots that only the jobs of one queue may take, by queue. Default one for each where there are four or more for
   * each of several queues, else none. Throws `invalid_reserves` when that leaves a queue nothing to take.
   */
  readonly reserves?: Readonly<Record<string, number>>;
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
  /**
   * Such a process is replaced after `maxJobs` jobs, default 100, or one that left it with `maxMegabytes`, default
   * 512.
   */
  readonly recycle?: { readonly maxJobs?: number; readonly maxMegabytes?: number };
  /** With PostgreSQL: where the thread that beats connects. Absent in embedded mode. */
  readonly heartbeatUrl?: string;
  /** What one of all workers is to do besides what the queue itself needs. Default nothing. */
  readonly chores?: readonly Chore[];
};

export type QueueWorker = Service &
  Pick<Worker, "id" | "handBack" | "isProgressing" | "doesBeat" | "busySlots" | "concurrency"> & {
    /** Those that it serves. */
    readonly queues: readonly string[];
  };

/** The contract's numbers. Embedded, a killed process is noticed by its folder's lock, at once. */
function defaultTimes(kind: Database["kind"], { leaseMs }: { readonly leaseMs?: number }) {
  const lease = leaseMs ?? (kind === "embedded" ? 20_000 : 60_000);
  return { leaseMs: lease, beatMs: lease / 4, pollMs: 2_000, drainMs: 3_000 };
}

/** However rarely a worker looks for jobs by itself: no hint tells of what has become due. */
const maxUpkeepMs = 2_000;

type Parts = EndingParts & {
  readonly database: Database;
  readonly broker: Broker;
  readonly cache: Cache;
  readonly logger: Logger;
  readonly hooks: Hooks;
  readonly control: QueueControl;
  readonly schedules: Schedules;
  readonly mirror: JobMirror | undefined;
  /** What goes on after an answer was given; a stop waits for it. */
  readonly following: BackgroundWork;
};

type Settled = QueueWorkerOptions & ReturnType<typeof defaultTimes> & { readonly queues: readonly string[] };

/** The workers of this process, each with its upkeep. */
export class QueueWorkers {
  readonly #parts: Parts;
  readonly #running = new Set<Worker>();
  readonly #taskEnds: TaskEnds;
  #staleWrites = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#taskEnds = new TaskEnds(parts.bus);
  }

  /** See `Queue.createWorker`. */
  create(given: QueueWorkerOptions): QueueWorker {
    const { database, registry } = this.#parts;
    const options = { ...defaultTimes(database.kind, given), queues: registry.queues(), ...given };
    const served = given.queues === undefined ? undefined : new Set(given.queues);
    registry.assertHandlers(
      registry.tasks().filter(({ queue }) => served === undefined || served.has(queue)),
    );
    const worker = this.#createWorker(options);
    this.#running.add(worker);
    return this.#withUpkeep(worker, options);
  }

  /** The job was taken from here: what it still writes is void. */
  letGo(held: { readonly id: string; readonly fence: number }): void {
    for (const worker of this.#running) worker.letGo(held);
  }

  /** Tells a job that runs here to stop because it was cancelled. */
  cancel(jobId: string): void {
    for (const worker of this.#running) worker.cancel(jobId);
  }

  /** See `Queue.staleWrites`. */
  get staleWrites(): number {
    return this.#staleWrites;
  }

  #createWorker(options: Settled): Worker {
    const { bus, cache, logger, hooks, mirror } = this.#parts;
    const parts = this.#inBackground();
    const id = newId();
    const { name } = options;
    return new Worker(
      id,
      {
        ...parts,
        cache,
        logger,
        heartbeat: this.#createHeartbeat(options),
        hooks,
        successes: new SuccessRecorder({ ...parts, worker: { id, name } }),
        writer: new EventWriter({
          database: parts.database,
          bus,
          logger,
          onProgress: (jobId) => mirror?.touch(jobId),
        }),
        ends: new ConcurrencyLimit(() => endsAtOnce),
        onStaleWrite: (job) => this.#refused(job),
      },
      options,
    );
  }

  #createHeartbeat({ leaseMs, beatMs, heartbeatUrl: url }: Settled): Heartbeat {
    const { database, logger } = this.#parts;
    const times = { leaseMs, beatMs };
    return url === undefined
      ? createLocalHeartbeat({ database, logger, times, isAlone: database.kind === "embedded" })
      : createThreadedHeartbeat({ settings: { url, ...times }, logger });
  }

  #withUpkeep(worker: Worker, options: Settled): QueueWorker {
    const pollMs = Math.min(options.pollMs, maxUpkeepMs);
    const chores = this.#chores(worker, options, pollMs);
    const maintenance = createMaintenance({ logger: this.#parts.logger }, { pollMs, chores });
    const scheduler = this.#parts.schedules.createScheduler({ pollMs });
    const open = async (): Promise<void> => {
      await worker.start();
      await maintenance.start();
      await scheduler.start();
    };
    let starting: Promise<void> | undefined;
    return {
      name: worker.name,
      id: worker.id,
      queues: options.queues,
      start: () => (starting = open()),
      stop: async () => {
        // What it still opens would stay open.
        await starting?.catch(() => undefined);
        // Beside each other: jobs must not wait for a turn of the upkeep to be told.
        await Promise.all([maintenance.stop(), scheduler.stop(), worker.stop()]);
        this.#running.delete(worker);
        await this.#countLastEnds();
        await this.#parts.following.settle();
        await this.#parts.hooks.settle();
      },
      handBack: () => worker.handBack(),
      isProgressing: () => worker.isProgressing(),
      get doesBeat() {
        return worker.doesBeat;
      },
      get concurrency() {
        return worker.concurrency;
      },
      get busySlots() {
        return worker.busySlots;
      },
    };
  }

  #chores(worker: Worker, { leaseMs, chores = [] }: Settled, pollMs: number): readonly Chore[] {
    const { database, control, logger, hooks } = this.#parts;
    const countEnds: Chore = {
      name: "count ends of tasks",
      everyMs: 5 * pollMs,
      run: () => this.#taskEnds.write(database.background),
    };
    const ofQueue = queueChores(
      {
        ...this.#inBackground(),
        whole: database,
        control,
        logger,
        onCancelRequested: (jobId) => this.cancel(jobId),
      },
      {
        pollMs,
        leaseMs,
        onLost: (lost, jobs) => hooks.emit({ type: "worker.lost", worker: lost, jobs }),
        isHeld: (jobId) => database.kind === "embedded" && worker.isRunning(jobId),
        turn: worker.upkeep,
      },
    );
    const further = chores.map((chore) => worker.upkeep.whenMine(chore));
    return [...workerChores(worker, { pollMs }), countEnds, ...ofQueue, ...further];
  }

  #refused({ id, task, queue, owner, attempt }: ClaimedJob): void {
    this.#staleWrites++;
    this.#parts.hooks.emit({ type: "write.refused", job: { id, task, queue, owner, attempt } });
  }

  /** What ended since the upkeep's last turn. It is for a share: no reason for a stop to fail. */
  async #countLastEnds(): Promise<void> {
    const { database, logger } = this.#parts;
    await this.#taskEnds.write(database.background).catch((error: unknown) => {
      logger.warn({ err: toError(error) }, "the last ends of jobs could not be counted by task");
    });
  }

  #inBackground() {
    return { ...this.#parts, database: this.#parts.database.background };
  }
}

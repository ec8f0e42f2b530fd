import type { Database } from "@millrace/database";
import { bareHint } from "../brokers/hint.ts";
import { within } from "../brokers/within.ts";
import type { Broker } from "../brokers/broker.ts";
import { countJobs } from "../counts/count-jobs.ts";
import type { JobCount } from "../counts/count-jobs.ts";
import { listBusyQueues } from "../counts/busy-queues.ts";
import { queueDepths } from "../counts/queue-depths.ts";
import type { QueueDepth } from "../counts/queue-depths.ts";
import type { QueueSignal } from "../observe/queue-signal.ts";
import { readQueueOverviews } from "../counts/queue-overview.ts";
import type { QueueOverview } from "../counts/queue-overview.ts";
import { cancelJobs, retryJobs } from "../jobs/change-many.ts";
import type { ChangedMany, ChangeManyOptions } from "../jobs/change-many.ts";
import type { JobSelection } from "../jobs/select-jobs.ts";
import { forgetWorkers } from "../worker/forget-workers.ts";
import { findWorkers, listWorkers } from "../worker/worker-row.ts";
import type { WorkerRecord } from "../worker/worker-row.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { forceRelease } from "./force-release.ts";
import type { ReleaseParts } from "./force-release.ts";
import { queueNotFound } from "./control-errors.ts";
import { allQueues, assertQueueName } from "./names.ts";
import { isKnownTask } from "./known-task.ts";
import { listOwnerWeights, setOwnerWeight } from "./owner-weight.ts";
import type { OwnerWeight } from "./owner-weight.ts";
import { clearPastPauses, pauseQueue, resumeQueue } from "./pause.ts";
import type { PauseOptions } from "./pause.ts";
import { assertPurgeable, countPurgeable, purgeQueue } from "./purge.ts";
import type { PurgeOptions, PurgeParts, PurgeResult } from "./purge.ts";
import { listQueueSettings, setQueueLimit } from "./queue-settings.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { readTaskControls, setTaskLimits } from "./task-limits.ts";
import type { TaskControl, TaskLimits } from "./task-limits.ts";
import { requestConcurrency, requestState } from "./worker-requests.ts";

/** Somebody waits for a page on which this is one number. */
const hintsMs = 500;

export type QueueControlParts = Omit<ReleaseParts & PurgeParts, "database" | "skipsHook"> & {
  readonly database: Database;
  readonly broker: Pick<Broker, "announce" | "depth" | "purge">;
  /** Told after the commit that a queue was paused or goes on. Must not throw. */
  readonly onSignal: (signal: QueueSignal) => void;
};

/** Who does it, for the record. */
type By = { readonly by: string };

/** What people and programs may set and ask for while the queue runs. */
export class QueueControl {
  readonly #parts: QueueControlParts;

  constructor(parts: QueueControlParts) {
    this.#parts = parts;
  }

  /** See `pauseQueue`: once this has returned, nothing of the queue is claimed any more. */
  async pause(queue: string, options: PauseOptions): Promise<void> {
    await pauseQueue(this.#parts.database, queue, options);
    const { by, reason = null, until } = options;
    this.#parts.onSignal({ type: "queue.paused", queue, by, reason, until: until?.toISOString() ?? null });
  }

  /** See `resumeQueue`. Returns whether it was paused. */
  async resume(queue: string, { by }: By): Promise<boolean> {
    const wasPaused = await resumeQueue(this.#parts.database, queue, { by });
    if (wasPaused) await this.#tellResumed(queue, by);
    return wasPaused;
  }

  /** For the upkeep: clears the pauses whose time is over, and wakes those who wait for their queues. */
  async endPastPauses(): Promise<void> {
    for (const queue of await clearPastPauses(this.#parts.database.background)) {
      await this.#tellResumed(queue, null);
    }
  }

  /** See `listQueueSettings`. */
  listQueues(): Promise<QueueSettings[]> {
    return listQueueSettings(this.#parts.database.queryable);
  }

  /** See `readQueueOverviews`. */
  queueOverviews(): ReturnType<typeof readQueueOverviews> {
    return readQueueOverviews(this.#parts.database.queryable);
  }

  /**
   * One queue, or with `*` all of them together. Throws `invalid_queue_name`, or `queue_not_found` for one of
   * which nothing is known.
   */
  async queueOverview(queue: string): Promise<QueueOverview> {
    assertQueueName(queue);
    const { queues, all } = await this.queueOverviews();
    const found = queue === allQueues ? all : queues.find(({ name }) => name === queue);
    if (found === undefined) throw queueNotFound(queue);
    return found;
  }

  /** Hints of the queue that wait in the broker; undefined where none wait or nobody can say at once. */
  async countHints(queue: string): Promise<number | undefined> {
    if (queue === allQueues) return undefined;
    const depth = this.#parts.broker.depth(queue);
    return await within(depth, hintsMs, new AbortController().signal).catch(() => undefined);
  }

  /** See `setQueueLimit`. */
  async setQueueLimit(queue: string, maxRunning: number | null, { by }: By): Promise<void> {
    await setQueueLimit(this.#parts.database, queue, { maxRunning, by });
    this.#tellChanged("queue.changed", { queue });
    await this.#wake(queue);
  }

  /** See `setTaskLimits`. */
  async setTaskLimits(task: string, limits: TaskLimits | null, { by }: By): Promise<void> {
    await setTaskLimits(this.#parts.database, task, { limits, by });
    this.#tellChanged("task.changed", { task });
  }

  /** See `isKnownTask`. */
  isKnownTask(task: string): Promise<boolean> {
    return isKnownTask(this.#parts.database, task);
  }

  /** See `readTaskControls`. */
  listTaskLimits(): Promise<Map<string, TaskControl>> {
    return readTaskControls(this.#parts.database);
  }

  /** See `setOwnerWeight`. */
  setOwnerWeight(owner: string, weight: number | null): Promise<void> {
    return setOwnerWeight(this.#parts.database, owner, weight);
  }

  /** See `listOwnerWeights`. */
  listOwnerWeights(): Promise<OwnerWeight[]> {
    return listOwnerWeights(this.#parts.database.queryable);
  }

  /** See `retryJobs`. */
  retryJobs(selection: JobSelection, options: ChangeManyOptions = {}): Promise<ChangedMany> {
    const database = this.#parts.database.background;
    return retryJobs({ ...this.#parts, database }, selection, options);
  }

  /** See `cancelJobs`. */
  cancelJobs(selection: JobSelection, options: ChangeManyOptions = {}): Promise<ChangedMany> {
    const database = this.#parts.database.background;
    return cancelJobs({ ...this.#parts, database }, selection, options);
  }

  /** How many jobs a purge of the queue, or of one task there, would cancel. Throws as `purge` does. */
  async countPurgeable(queue: string, task: string | null = null): Promise<number> {
    assertPurgeable(queue);
    return (await countPurgeable(this.#parts.database, queue, task)).count;
  }

  /** See `purgeQueue`. When all of a queue goes, the hints that wait in the broker go with it. */
  async purge(queue: string, options: PurgeOptions = {}): Promise<PurgeResult> {
    const { broker, database } = this.#parts;
    const purged = await purgeQueue({ ...this.#parts, database: database.background }, queue, options);
    if (options.task !== undefined) return purged;
    // Hints that stay because the broker is away cost an empty claim each.
    await broker.purge(queue).catch(() => 0);
    // For jobs that came meanwhile, or were left: their hints may be among those that are gone.
    broker.announce(bareHint(queue));
    return purged;
  }

  /** See `forceRelease`. */
  forceRelease(jobId: string, by: By): Promise<void> {
    const release = (scope: WriteScope) => forceRelease(scope, this.#parts, jobId, by);
    return withWriteScope(this.#parts.database, release, "force_release");
  }

  /** See `listWorkers`. */
  listWorkers(): Promise<WorkerRecord[]> {
    return listWorkers(this.#parts.database.queryable);
  }

  /** See `findWorkers`. */
  findWorkers(worker: string): Promise<WorkerRecord[]> {
    return findWorkers(this.#parts.database.queryable, worker);
  }

  /** Asks a worker, by id or name, to claim nothing more. See `requestState`. */
  requestDrain(worker: string): Promise<string[]> {
    return this.#asked(requestState(this.#parts.database, worker, "draining"));
  }

  /** Asks it to end what runs or hand it back, and to stop. */
  requestStop(worker: string): Promise<string[]> {
    return this.#asked(requestState(this.#parts.database, worker, "stopped"));
  }

  /** Takes a drain back: it claims again. */
  requestRun(worker: string): Promise<string[]> {
    return this.#asked(requestState(this.#parts.database, worker, "running"));
  }

  /** See `requestConcurrency`. */
  requestConcurrency(worker: string, concurrency: number): Promise<string[]> {
    return this.#asked(requestConcurrency(this.#parts.database, worker, concurrency));
  }

  /** See `forgetWorkers`. */
  forgetWorkers(worker: string): Promise<string[]> {
    return this.#asked(forgetWorkers(this.#parts.database, worker));
  }

  /** See `countJobs`. */
  countJobs(): Promise<JobCount[]> {
    return countJobs(this.#parts.database.queryable);
  }

  /** See `queueDepths`. */
  queueDepths(): Promise<QueueDepth[]> {
    return queueDepths(this.#parts.database.queryable);
  }

  async #asked(request: Promise<string[]>): Promise<string[]> {
    const ids = await request;
    for (const id of ids) this.#tellChanged("worker.changed", { worker_id: id });
    return ids;
  }

  /** For those who watch the monitor from this process. */
  #tellChanged(type: string, data: Readonly<Record<string, string>>): void {
    this.#parts.bus.publishNotice({ topic: "monitor", owner: null, type, data });
  }

  async #tellResumed(queue: string, by: string | null): Promise<void> {
    this.#parts.onSignal({ type: "queue.resumed", queue, by });
    await this.#wake(queue);
  }

  /** Hints that the queue, or every one that holds jobs, is worth a look. */
  async #wake(queue: string): Promise<void> {
    const { broker, database } = this.#parts;
    const queues = queue === allQueues ? await listBusyQueues(database.queryable) : [queue];
    for (const name of queues) broker.announce(bareHint(name));
  }
}

import { databaseUnavailable } from "@millrace/database";
import { newId, toError } from "@millrace/kernel";
import type { Service } from "@millrace/kernel";
import { claimJobs, isFirstUnknown } from "../jobs/claim.ts";
import type { ClaimRequest } from "../jobs/claim.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { jobChanged } from "../jobs/enqueue.ts";
import { runInChild } from "../isolation/run-in-child.ts";
import { executeJob } from "./execute-job.ts";
import type { ExecuteParts, Execution } from "./execution.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { RestingQueues } from "./resting-queues.ts";
import { WakeSignal } from "./wake-signal.ts";
import { registerWorker, unregisterWorker } from "./worker-row.ts";

/** One job in ten is the oldest that is due, whatever its priority, so that nothing starves. */
const bestPerOldest = 9;

export type WorkerOptions = {
  readonly name: string;
  readonly queues: readonly string[];
  /** Jobs at once. */
  readonly concurrency: number;
  readonly leaseMs: number;
  /** Without any hint, queues are looked at this often. */
  readonly pollMs: number;
  /** How long stop waits for running jobs before it hands them back. */
  readonly drainMs: number;
  /**
   * A module that calls `serveOneJob`, for jobs that must run in a process of their own. Without it
   * they share this one, and what kills it does so again.
   */
  readonly isolationEntry?: URL;
};

export type WorkerParts = ExecuteParts & { readonly heartbeat: Heartbeat };

/** Claims jobs and runs them, in a loop that hints wake and a poll backs up. */
export class Worker implements Service {
  readonly name = "worker";
  readonly id = newId();
  readonly #parts: WorkerParts;
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, Execution>();
  readonly #wake = new WakeSignal();
  #isStopping = false;
  #loop: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  #lastTurnMs = performance.now();
  readonly #resting = new RestingQueues();
  /** Jobs claimed by their priority that the oldest have not yet had their share for. */
  #unshared = 0;

  constructor(parts: WorkerParts, options: WorkerOptions) {
    this.#parts = parts;
    this.#options = options;
    parts.heartbeat.listen({
      onLost: (held) => this.#executionOf(held)?.stop("lease_lost"),
      onCancelRequested: (held) => this.#executionOf(held)?.stop("cancelled"),
    });
  }

  async start(): Promise<void> {
    if (this.#loop !== undefined) return;
    await registerWorker(this.#parts.database, {
      ...this.#options,
      id: this.id,
      tasks: this.#parts.registry.keys(),
    });
    await this.#parts.heartbeat.start();
    this.#unsubscribe = this.#parts.broker.subscribe(this.#options.queues, (queue) => {
      this.#resting.wake(queue);
      this.#wake.wake();
    });
    this.#loop = this.#turn();
  }

  /** Stops claiming, lets running jobs end for a while, then hands them back uncounted. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#unsubscribe?.();
    this.#wake.wake();
    const timer = setTimeout(() => this.handBack(), this.#options.drainMs);
    // The loop first: what a claim under way still brings is running only after it.
    await this.#loop;
    await Promise.all([...this.#running.values()].map((execution) => execution.done));
    clearTimeout(timer);
    await this.#parts.writer.settle();
    await this.#parts.heartbeat.stop();
    if (this.#loop !== undefined) await unregisterWorker(this.#parts.database, this.id);
  }

  /** Tells every running job to stop now; each goes back to its queue with what it has recorded. */
  handBack(): void {
    for (const execution of this.#running.values()) execution.stop("shutdown");
  }

  /** Tells a job that runs here to stop because it was cancelled. */
  cancel(id: string): void {
    this.#running.get(id)?.stop("cancelled");
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** For health: false when the loop has not turned for several polls although slots are free. */
  isProgressing(): boolean {
    const isFull = this.#running.size >= this.#options.concurrency;
    return isFull || performance.now() - this.#lastTurnMs < this.#options.pollMs * 5 + 5_000;
  }

  get busySlots(): number {
    return this.#running.size;
  }

  #executionOf(held: { readonly id: string; readonly fence: number }): Execution | undefined {
    const execution = this.#running.get(held.id);
    return execution?.job.fence === held.fence ? execution : undefined;
  }

  async #turn(): Promise<void> {
    while (!this.#isStopping) {
      this.#lastTurnMs = performance.now();
      const started = await this.#fill().catch((error: unknown) => {
        const isAway = databaseUnavailable(error) !== undefined;
        this.#parts.logger.warn({ err: isAway ? undefined : toError(error) }, "jobs could not be claimed");
        return 0;
      });
      if (started === 0) await this.#wake.wait(this.#options.pollMs);
    }
  }

  /** Claims as much as there are free slots; returns how many jobs were started. */
  async #fill(): Promise<number> {
    const free = this.#options.concurrency - this.#running.size;
    if (free <= 0) return 0;
    const share = Math.floor(this.#unshared / bestPerOldest);
    if (share > 0) {
      const oldest = await this.#claimFromQueues(Math.min(free, share), "oldest");
      // With nothing due nobody waits, and what was not taken is not saved up.
      this.#unshared = oldest === 0 ? 0 : this.#unshared - oldest * bestPerOldest;
      return oldest;
    }
    const best = await this.#claimFromQueues(free, "best");
    this.#unshared += best;
    return best;
  }

  async #claimFromQueues(limit: number, choice: ClaimRequest["choice"]): Promise<number> {
    let started = 0;
    for (const queue of this.#options.queues) {
      if (this.#isStopping || started >= limit) break;
      if (this.#resting.isResting(queue)) continue;
      const claimed = await this.#claim(queue, limit - started, choice);
      for (const job of claimed) this.#run(job);
      started += claimed.length;
    }
    return started;
  }

  async #claim(queue: string, limit: number, choice: ClaimRequest["choice"]): Promise<ClaimedJob[]> {
    const { database, registry } = this.#parts;
    const startedMs = performance.now();
    const claimed = await claimJobs(database, {
      queue,
      taskKeys: registry.keys(),
      limit,
      worker: { id: this.id, name: this.#options.name },
      leaseMs: this.#options.leaseMs,
      choice,
    });
    if (claimed.length === 0) {
      await this.#resting.lookedInVain(queue, performance.now() - startedMs, () =>
        isFirstUnknown(database, { queue, taskKeys: registry.keys() }),
      );
    }
    return claimed;
  }

  #run(job: ClaimedJob): void {
    this.#parts.heartbeat.hold(job);
    const { isolationEntry } = this.#options;
    const execution =
      job.runs_alone && isolationEntry !== undefined
        ? runInChild(this.#parts, { entry: isolationEntry, job })
        : executeJob(this.#parts, job);
    this.#running.set(job.id, execution);
    this.#parts.bus.publishNotice(jobChanged(job.id, job.owner, "running"));
    if (this.#isStopping) execution.stop("shutdown");
    void execution.done.finally(() => {
      this.#parts.heartbeat.release(job);
      if (this.#running.get(job.id) === execution) this.#running.delete(job.id);
      this.#wake.wake();
    });
  }
}

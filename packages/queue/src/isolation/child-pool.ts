import { availableParallelism, totalmem } from "node:os";
import { ConcurrencyLimit, toError } from "@millrace/kernel";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { Task } from "../tasks/task.ts";
import { AttemptStop } from "../worker/attempt-stop.ts";
import type { AwaitedExecution, ExecuteParts } from "../worker/execution.ts";
import { JobChild } from "./job-child.ts";
import type { ChildRun } from "./job-child.ts";
import { recordDeath } from "./record-death.ts";
import type { RunLimits } from "./watched-run.ts";

const megabyte = 1024 * 1024;

/**
 * What a task gets that does not say how much it needs, and a job that killed its worker before.
 * Better its own process ends, early and with a message, than that the machine takes the worker too.
 */
const defaultMemoryMegabytes = 1024;
/**
 * A process that grew by less since its first job only breathes. Without this a limit under what a child
 * holds anyway, its program and its models, would end every child after one job.
 */
const minGrowthBytes = 64 * megabyte;
/** What a child holds before its job asks for more. */
const childBytes = 128 * megabyte;
/** Of the machine's memory, for the children of jobs that run alone. */
const shareOfMemory = 0.25;

export type ChildPoolOptions = {
  /** A module that calls `serveJobs`. */
  readonly entry: URL;
  /** Children at once, idle ones included: as many as the worker runs jobs. */
  readonly maxChildren: number;
  /**
   * Jobs at once that run alone because their worker died. After one that had a thousand slots a thousand of
   * them come at once, and as many processes would take the machine too. Default: what a quarter of its
   * memory holds.
   */
  readonly maxAlone?: number;
  /** A child is replaced after so many jobs. Default 100. */
  readonly maxJobs?: number;
  /**
   * A child that holds more after a job is replaced, if it has also grown by 64 MB since its first one.
   * Default 512.
   */
  readonly maxMegabytes?: number;
  /** A child that had no job for this long ends. Default 60 s. */
  readonly idleMs?: number;
  /** How long after its hard limit a job is killed that did not end by itself. Default 10 s. */
  readonly overrunMs?: number;
  /** How long after it was told to stop. Default 10 s. */
  readonly killAfterStopMs?: number;
  /** How often the memory of a child at work is read. Default 500 ms. */
  readonly memoryCheckMs?: number;
};

const defaults = {
  maxAlone: Math.max(2, Math.floor((totalmem() * shareOfMemory) / childBytes)),
  maxJobs: 100,
  maxMegabytes: 512,
  idleMs: 60_000,
  overrunMs: 10_000,
  killAfterStopMs: 10_000,
  memoryCheckMs: 500,
};

/** The slot of a job, which is another's while the job waits in line. */
export type JobSlot = { readonly leave: () => void; readonly take: () => void };

const toldBefore: ChildRun = { kind: "not_started", ended: "told to stop before" };

type IdleChild = { readonly child: JobChild; readonly timer: NodeJS.Timeout };

/**
 * Runs jobs in child processes. A child records the end of its job itself, through this process's
 * database; when it dies before that, this process records what became of the job. When this process
 * dies, its children end with it and nothing is counted.
 *
 * Jobs of tasks with `isolation` share children, one after another. A job that runs alone because it
 * crashed gets a child that no other job was in or will be. A child is used again only if its last job
 * ended by itself and left nothing running.
 */
export class ChildPool {
  readonly #parts: ExecuteParts;
  readonly #options: ChildPoolOptions & typeof defaults;
  readonly #children = new Set<JobChild>();
  /** The one that worked last stands last and is taken first, so that the others can end. */
  readonly #idle: IdleChild[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #alone: ConcurrencyLimit;
  /** To start is work for a core: started all at once, none is ready in time. */
  readonly #starts = new ConcurrencyLimit(availableParallelism);
  #maxChildren: number;
  #isStopped = false;

  constructor(parts: ExecuteParts, options: ChildPoolOptions) {
    this.#parts = parts;
    this.#options = { ...defaults, ...options };
    this.#maxChildren = options.maxChildren;
    this.#alone = new ConcurrencyLimit(() => this.#options.maxAlone);
  }

  /** Child processes that live now. */
  get size(): number {
    return this.#children.size;
  }

  /**
   * Runs one claimed job in a child. How many jobs run at once is the caller's to limit; only those that run
   * alone wait in line, without their slots. After `stop`, jobs are handed back.
   */
  run(job: ClaimedJob, slot?: JobSlot): AwaitedExecution {
    const attempt = new AttemptStop();
    if (this.#isStopped) attempt.stop("shutdown");
    const done = this.#runAndRecord(job, attempt, slot);
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
    return { job, stop: (reason) => attempt.stop(reason), done };
  }

  /** Changes how many children may live. Idle ones beyond that end; jobs go on. */
  resize(maxChildren: number): void {
    this.#maxChildren = maxChildren;
    for (let excess = this.#children.size - maxChildren; excess > 0; excess--) void this.#endOldest();
  }

  /** Ends idle children, and resolves when none is left. Jobs are the caller's to stop: they are waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    while (this.#idle.length > 0) void this.#endOldest();
    await Promise.all(this.#running);
    await Promise.all([...this.#children].map((child) => child.gone));
  }

  async #runAndRecord(job: ClaimedJob, attempt: AttemptStop, slot: JobSlot | undefined): Promise<void> {
    // Not before the caller has entered it among what it holds.
    await Promise.resolve();
    const task = this.#parts.registry.find(job.task, job.task_version)?.task;
    const runInChild = (): Promise<ChildRun> => this.#runInChild(job, attempt, task);
    const run = await (job.runs_alone ? this.#inLine(runInChild, attempt, slot) : runInChild());
    if (run.kind === "done") {
      if (run.wasStale) this.#parts.onStaleWrite(job);
      return;
    }
    await recordDeath(this.#parts, job, { ...run, ceilingMegabytes: ceilingOf(task) }, attempt);
  }

  /** Runs it when its turn comes; never, when it is told to stop before. */
  async #inLine(
    runInChild: () => Promise<ChildRun>,
    attempt: AttemptStop,
    slot: JobSlot | undefined,
  ): Promise<ChildRun> {
    slot?.leave();
    let hasBegun = false;
    const begin = (): Promise<ChildRun> => {
      hasBegun = true;
      slot?.take();
      return runInChild();
    };
    try {
      return await this.#alone.run(begin, attempt.signal);
    } catch (error) {
      if (hasBegun) throw error;
      return { kind: "not_started", ended: "told to stop while it waited in line" };
    }
  }

  async #runInChild(job: ClaimedJob, attempt: AttemptStop, task: Task | undefined): Promise<ChildRun> {
    const heapMegabytes = ceilingOf(task);
    for (;;) {
      if (attempt.reason !== undefined) return toldBefore;
      const used = job.runs_alone ? undefined : this.#takeIdle(heapMegabytes);
      const child = used ?? (await this.#start(heapMegabytes, attempt.signal));
      if (typeof child === "string") return { kind: "not_started", ended: child };
      // Perhaps told to stop in the very moment in which a fresh one became ready.
      const mayRun = attempt.reason === undefined;
      const run = mayRun ? await child.run(job, attempt, this.#limitsOf(task)) : toldBefore;
      const isClean = run.kind === "done" && run.isReusable && attempt.reason === undefined;
      if (isClean && !job.runs_alone && !this.#isSpent(child)) this.#keep(child);
      else await (isClean ? child.end() : child.kill());
      // What a former job left behind ended the child before it took this one.
      const mayTryAnother = run.kind === "not_started" && used !== undefined;
      if (!mayTryAnother) return run;
    }
  }

  #limitsOf(task: Task | undefined): RunLimits {
    const { overrunMs, killAfterStopMs, memoryCheckMs } = this.#options;
    // A job of a task that never asked for a ceiling may well hold models and files outside of the heap.
    const ceilingBytes = task?.isolation === undefined ? undefined : ceilingOf(task) * megabyte;
    return { hardLimitMs: task?.hardLimitMs, overrunMs, killAfterStopMs, ceilingBytes, memoryCheckMs };
  }

  /** A fresh child that is ready for a job, or how it ended instead. */
  async #start(heapMegabytes: number, signal: AbortSignal): Promise<JobChild | string> {
    // Those that idle although a job needs a new child have another ceiling.
    while (this.#idle.length > 0 && this.#children.size >= this.#maxChildren) await this.#endOldest();
    const start = async (): Promise<JobChild | string> => {
      const child = new JobChild(this.#parts, { entry: this.#options.entry, heapMegabytes });
      this.#children.add(child);
      void child.gone.then((ended) => this.#forget(child, ended));
      return (await child.becomesReady(signal)) ? child : await child.gone;
    };
    try {
      return await this.#starts.run(start, signal);
    } catch (error) {
      return toError(error).message;
    }
  }

  #isSpent(child: JobChild): boolean {
    if (this.#isStopped || this.#children.size > this.#maxChildren) return true;
    const { maxJobs, maxMegabytes } = this.#options;
    const { bytes, grownBytes } = child.memory;
    const isTooLarge = bytes > maxMegabytes * megabyte && grownBytes > minGrowthBytes;
    return isTooLarge || child.jobsServed >= maxJobs;
  }

  #keep(child: JobChild): void {
    const timer = setTimeout(() => {
      this.#removeIdle(child);
      void child.end();
    }, this.#options.idleMs);
    timer.unref();
    child.release();
    this.#idle.push({ child, timer });
  }

  #takeIdle(heapMegabytes: number): JobChild | undefined {
    const found = this.#idle.findLast(({ child }) => child.heapMegabytes === heapMegabytes)?.child;
    if (found === undefined) return undefined;
    this.#removeIdle(found);
    found.hold();
    return found;
  }

  #removeIdle(child: JobChild): boolean {
    const index = this.#idle.findIndex((entry) => entry.child === child);
    if (index < 0) return false;
    for (const { timer } of this.#idle.splice(index, 1)) clearTimeout(timer);
    return true;
  }

  async #endOldest(): Promise<void> {
    const [oldest] = this.#idle;
    if (oldest === undefined) return;
    this.#removeIdle(oldest.child);
    await oldest.child.end();
  }

  #forget(child: JobChild, ended: string): void {
    this.#children.delete(child);
    if (this.#removeIdle(child)) {
      this.#parts.logger.warn(
        { ended },
        "a child that had no job ended: a former job had left something running",
      );
    }
  }
}

function ceilingOf(task: Task | undefined): number {
  return task?.isolation?.memoryMegabytes ?? defaultMemoryMegabytes;
}

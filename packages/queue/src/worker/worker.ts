import { monitorEventLoopDelay } from "node:perf_hooks";
import { databaseUnavailable } from "@millrace/database";
import { sleep, toError } from "@millrace/kernel";
import type { Service } from "@millrace/kernel";
import type { Broker, Subscription } from "../brokers/broker.ts";
import type { JobTransition } from "../events/event.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { transitionOf } from "../jobs/transition.ts";
import { ChildPool } from "../isolation/child-pool.ts";
import { attemptOutcome } from "../observe/attempt-outcome.ts";
import type { Hooks } from "../observe/hooks.ts";
import { BatchGatherer } from "./batch-gatherer.ts";
import { Claimer } from "./claimer.ts";
import { executeJob } from "./execute-job.ts";
import type { ExecuteParts, Execution } from "./execution.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { LostClaims } from "./lost-claims.ts";
import { UpkeepTurn } from "./upkeep-turn.ts";
import { WakeSignal } from "./wake-signal.ts";
import { beatWorker, registerWorker, unregisterWorker } from "./worker-row.ts";
import type { WorkerFigures } from "./worker-row.ts";

/** One job in ten is the oldest that is due, whatever its priority, so that nothing starves. */
const bestPerOldest = 9;
/** A claim holds the locks of what it takes, and what it has taken waits here for its turn. */
const maxClaim = 500;
/**
 * While jobs come in a stream, some with each claim and fewer than there are slots, claims begin this far
 * apart: one of ten jobs takes the database nearly as long as one of a hundred. A job that comes alone
 * never waits for this.
 */
const streamClaimMs = 5;
const streamJobs = 4;

export type WorkerOptions = {
  readonly name: string;
  readonly queues: readonly string[];
  /** Jobs at once. */
  readonly concurrency: number;
  /** Of the program, shown with the worker. */
  readonly version?: string;
  readonly leaseMs: number;
  /** Without any hint, queues are looked at this often. */
  readonly pollMs: number;
  /** How long stop waits for running jobs before it hands them back. */
  readonly drainMs: number;
  /**
   * A module that calls `serveJobs`, for jobs that must run in a process of their own. Without it
   * they share this one, and what kills it does so again.
   */
  readonly isolationEntry?: URL;
};

export type WorkerParts = ExecuteParts & {
  readonly broker: Broker;
  readonly heartbeat: Heartbeat;
  readonly hooks: Hooks;
};

/** Claims jobs and runs them, in a loop that hints wake and a poll backs up. */
export class Worker implements Service {
  readonly name = "worker";
  readonly id: string;
  readonly upkeep = new UpkeepTurn();
  readonly #parts: WorkerParts;
  readonly #options: WorkerOptions;
  /** From the claim until the end is recorded. */
  readonly #held = new Map<string, Execution>();
  /** Those whose handlers are at work: what fills the slots. */
  readonly #running = new Set<ClaimedJob>();
  readonly #wake = new WakeSignal();
  readonly #batches: BatchGatherer;
  readonly #children: ChildPool | undefined;
  #concurrency: number;
  #isStopping = false;
  #stopping: Promise<void> | undefined;
  /** Somebody wants it to claim nothing more for now. */
  #isDraining = false;
  #processed = 0;
  #failed = 0;
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 });
  #loop: Promise<void> | undefined;
  #subscription: Subscription | undefined;
  /** Queues that somebody told of after their last claim had begun, which may not have seen that work. */
  readonly #told = new Set<string>();
  #unobserve: (() => void) | undefined;
  #lastTurnMs = performance.now();
  readonly #claimer: Claimer;
  readonly #lostClaims: LostClaims;
  /** Jobs claimed by their priority that the oldest have not yet had their share for. */
  #unshared = 0;
  /**
   * Which queue is looked at first: each in its turn, or the first would starve the last. Counted for each
   * choice: in one rhythm, every tenth look would come to the same of two queues each time.
   */
  readonly #firstQueue = { best: 0, oldest: 0 };

  constructor(id: string, parts: WorkerParts, options: WorkerOptions) {
    this.id = id;
    this.#parts = parts;
    this.#options = options;
    this.#concurrency = options.concurrency;
    this.#claimer = new Claimer(parts, { ...options, worker: { id, name: options.name } });
    this.#lostClaims = new LostClaims(parts, id, (jobId) => this.#held.has(jobId));
    this.#batches = new BatchGatherer(parts.registry);
    const { isolationEntry: entry, concurrency } = options;
    this.#children =
      entry === undefined ? undefined : new ChildPool(parts, { entry, maxChildren: concurrency });
    parts.heartbeat.listen({
      onLost: (held) => this.#executionOf(held)?.stop("lease_lost"),
      onCancelRequested: (held) => this.#executionOf(held)?.stop("cancelled"),
    });
  }

  async start(): Promise<void> {
    if (this.#loop !== undefined) return;
    await this.#register();
    await this.#claimer.refreshLimits();
    await this.#parts.heartbeat.start();
    this.#loopDelay.enable();
    this.#unobserve = this.#parts.bus.onTransition((transition) => this.#observe(transition));
    this.#subscription = this.#parts.broker.subscribe(this.#options.queues, (queue) => {
      this.#told.add(queue);
      this.#claimer.wake(queue);
      this.#wake.wake();
    });
    this.#loop = this.#turn();
    const { queues } = this.#options;
    this.#parts.hooks.emit({
      type: "worker.started",
      worker: { ...this.#self(), queues, concurrency: this.#concurrency },
    });
  }

  /** Stops claiming, lets running jobs end for a while, then hands them back uncounted. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#loop !== undefined && !this.#isDraining) this.#tellDraining();
    this.#subscription?.close();
    this.#wake.wake();
    const timer = setTimeout(() => this.handBack(), this.#options.drainMs);
    // The loop first: what a claim under way still brings is running only after it.
    await this.#loop;
    // There will be no more jobs for these, and nothing of them has begun.
    for (const { id } of this.#batches.waiting()) this.#held.get(id)?.stop("shutdown");
    await Promise.all([...this.#held.values()].map((execution) => execution.done));
    clearTimeout(timer);
    await this.#children?.stop();
    await this.#parts.writer.settle();
    await this.#parts.heartbeat.stop();
    this.#loopDelay.disable();
    this.#unobserve?.();
    if (this.#loop === undefined) return;
    await unregisterWorker(this.#parts.database, this.id);
    this.#parts.hooks.emit({ type: "worker.stopped", worker: this.#self() });
  }

  /** Follows the limits that people have set since the last time. */
  refreshLimits(): Promise<void> {
    return this.#claimer.refreshLimits();
  }

  /** Lets go what waits for limits that are no more. */
  releaseParked(signal: AbortSignal): Promise<number> {
    return this.#claimer.releaseParked(signal);
  }

  /** Says in the database how it is, and does what somebody asked of it there. */
  async beat(): Promise<void> {
    if (this.#isStopping) return;
    const wishes = await beatWorker(this.#parts.database, this.id, this.#figures());
    if (wishes === undefined) return await this.#register();
    this.upkeep.isMine = wishes.is_eldest;
    if (wishes.wanted_concurrency !== null) this.setConcurrency(wishes.wanted_concurrency);
    if (wishes.wanted_state === "stopped") return this.#stopAsAsked();
    const isDraining = wishes.wanted_state === "draining";
    if (isDraining === this.#isDraining) return;
    this.#isDraining = isDraining;
    if (isDraining) this.#tellDraining();
    this.#wake.wake();
  }

  /** Not waited for: the upkeep, which beats, goes on until the process ends. */
  #stopAsAsked(): void {
    this.stop().catch((error: unknown) => {
      this.#parts.logger.warn({ err: toError(error) }, "a worker that was asked to stop could not say so");
    });
  }

  /** Jobs at once from now on. Fewer than run now: the others end first. */
  setConcurrency(concurrency: number): void {
    if (concurrency === this.#concurrency) return;
    this.#concurrency = concurrency;
    this.#children?.resize(concurrency);
    this.#wake.wake();
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  /** Tells every running job to stop now; each goes back to its queue with what it has recorded. */
  handBack(): void {
    for (const execution of this.#held.values()) execution.stop("shutdown");
  }

  /** Tells a job that runs here to stop because it was cancelled. */
  cancel(id: string): void {
    this.#held.get(id)?.stop("cancelled");
  }

  /** The job was taken from here: what it still writes is void. */
  letGo(held: { readonly id: string; readonly fence: number }): void {
    this.#executionOf(held)?.stop("lease_lost");
  }

  isRunning(id: string): boolean {
    return this.#held.has(id);
  }

  /**
   * For health: false when the loop has not turned for several polls although slots are free. One that
   * was told to drain or to stop is as it should be.
   */
  isProgressing(): boolean {
    const isAtRest = this.#free() <= 0 || this.#isDraining || this.#isStopping;
    return isAtRest || performance.now() - this.#lastTurnMs < this.#options.pollMs * 5 + 5_000;
  }

  get busySlots(): number {
    return this.#running.size;
  }

  #self() {
    return { id: this.id, name: this.#options.name };
  }

  async #register(): Promise<void> {
    await registerWorker(this.#parts.database, {
      ...this.#options,
      id: this.id,
      concurrency: this.#concurrency,
      tasks: this.#parts.registry.keys(),
    });
  }

  #figures(): WorkerFigures {
    const loopDelayMs = this.#loopDelay.percentile(99) / 1e6;
    this.#loopDelay.reset();
    return {
      state: this.#isDraining ? "draining" : "running",
      concurrency: this.#concurrency,
      running: this.busySlots,
      processed: this.#processed,
      failed: this.#failed,
      rssBytes: process.memoryUsage.rss(),
      loopDelayMs: Number.isFinite(loopDelayMs) ? loopDelayMs : 0,
      broker: this.#parts.broker.status(),
      isUpkeepTurning: this.upkeep.isTurning,
    };
  }

  #observe(transition: JobTransition): void {
    const outcome = attemptOutcome(transition);
    if (outcome === undefined || !this.#held.has(transition.job.id)) return;
    this.#processed++;
    if (outcome === "failed" || outcome === "timed_out" || outcome === "crashed") this.#failed++;
  }

  #tellDraining(): void {
    this.#parts.hooks.emit({ type: "worker.draining", worker: this.#self(), running: this.busySlots });
  }

  #executionOf(held: { readonly id: string; readonly fence: number }): Execution | undefined {
    const execution = this.#held.get(held.id);
    return execution?.job.fence === held.fence ? execution : undefined;
  }

  /**
   * Slots for more jobs. One whose handler has returned leaves its slot before its end is recorded; but
   * of those there may be no more than slots, or a slow database would be given ever more to do.
   */
  #free(): number {
    return Math.min(this.#concurrency - this.busySlots, 2 * this.#concurrency - this.#held.size);
  }

  async #turn(): Promise<void> {
    while (!this.#isStopping) {
      this.#lastTurnMs = performance.now();
      const free = this.#isDraining ? 0 : Math.min(this.#free(), maxClaim);
      const started = await this.#fill(free).catch((error: unknown) => {
        const isAway = databaseUnavailable(error) !== undefined;
        this.#parts.logger.warn({ err: isAway ? undefined : toError(error) }, "jobs could not be claimed");
        this.#lostClaims.suspect();
        return 0;
      });
      // Only who has room left: the others claim by themselves when a slot becomes free.
      this.#subscription?.receive(!this.#isDraining && this.#free() > 0);
      if (started === 0) await this.#wake.wait(this.#restMs());
      else if (started >= streamJobs && started < free)
        await sleep(Math.max(0, this.#lastTurnMs + streamClaimMs - performance.now()));
    }
  }

  /** Until the next turn, when nobody wakes it. */
  #restMs(): number {
    return Math.min(this.#options.pollMs, this.#claimer.againInMs, this.#lostClaims.lookInMs);
  }

  /** Claims as much as there are free slots; returns how many jobs were started. */
  async #fill(free: number): Promise<number> {
    await this.#lostClaims.giveBack();
    if (free <= 0) return 0;
    const share = Math.min(free, Math.floor(this.#unshared / bestPerOldest));
    const { started, oldest } = await this.#claimFromQueues(free, share);
    // With nothing due nobody waits, and what was not taken is not saved up.
    this.#unshared = oldest < share ? 0 : this.#unshared - oldest * bestPerOldest + (started - oldest);
    return started;
  }

  /** So many of `limit` the oldest. Returns how many were started, and of those how many for their age. */
  async #claimFromQueues(limit: number, share: number): Promise<{ started: number; oldest: number }> {
    const { queues } = this.#options;
    this.#claimer.startRound();
    const first = this.#firstQueue[share > 0 ? "oldest" : "best"]++ % Math.max(1, queues.length);
    const turns = [...queues.slice(first), ...queues.slice(0, first)];
    let started = 0;
    let oldest = 0;
    for (const [index, queue] of turns.entries()) {
      if (this.#isStopping || started >= limit) break;
      // What one queue leaves of its part is for those after it.
      const part = Math.ceil((limit - started) / (turns.length - index));
      const partOfOldest = Math.min(part, Math.ceil((share - oldest) / (turns.length - index)));
      this.#told.delete(queue);
      const { jobs: claimed, isMore } = await this.#claimer.claim({
        queue,
        limit: part,
        oldest: partOfOldest,
      });
      this.#parts.heartbeat.hold(claimed);
      for (const job of claimed) this.#run(job);
      started += claimed.length;
      this.#settle(queue, isMore);
      // They are taken first: fewer than asked for are all that there were.
      oldest += Math.min(partOfOldest, claimed.length);
    }
    return { started, oldest };
  }

  /** After a claim, which has taken all jobs that it saw unless there may be more. */
  #settle(queue: string, isMore: boolean): void {
    const isFull = this.#free() <= 0;
    // The hint that came meanwhile is for the next turn, or where there is no room for others.
    if (!isMore && !this.#told.has(queue)) this.#subscription?.settle(queue, false);
    else if (isFull) this.#subscription?.settle(queue, true);
  }

  #run(job: ClaimedJob): void {
    const details = { waitMs: job.wait_ms, traceParent: job.trace_parent };
    this.#parts.bus.publishTransition(transitionOf("started", job, "running", details));
    this.#start(job);
  }

  #isIsolated(job: ClaimedJob): boolean {
    return (
      job.runs_alone || this.#parts.registry.find(job.task, job.task_version)?.task.isolation !== undefined
    );
  }

  #execute(job: ClaimedJob): Execution {
    const isIsolated = this.#isIsolated(job);
    if (isIsolated && this.#children !== undefined) return this.#children.run(job);
    return executeJob(this.#parts, job, {
      run: isIsolated ? undefined : this.#batches.runOf(job),
      onRan: () => this.#leaveSlot(job),
    });
  }

  #start(job: ClaimedJob): void {
    this.#running.add(job);
    // Taken from here, and here again before a beat found out.
    this.#held.get(job.id)?.stop("lease_lost");
    const execution = this.#execute(job);
    this.#held.set(job.id, execution);
    if (this.#isStopping) execution.stop("shutdown");
    void execution.done.then(() => this.#ended(execution));
  }

  #leaveSlot(job: ClaimedJob): void {
    if (this.#running.delete(job)) this.#wake.wake();
  }

  #ended(execution: Execution): void {
    const { job } = execution;
    this.#parts.heartbeat.release(job);
    if (this.#held.get(job.id) === execution) this.#held.delete(job.id);
    this.#leaveSlot(job);
    this.#wake.wake();
    this.#claimer.ended(job);
  }
}

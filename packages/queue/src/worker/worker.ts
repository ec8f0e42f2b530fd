import { setImmediate as immediate } from "node:timers/promises";
import { databaseUnavailable } from "@millrace/database";
import { sleep, StopError, toError, TurnoverMap } from "@millrace/kernel";
import type { Service } from "@millrace/kernel";
import type { Subscription } from "../brokers/broker.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { transitionOf } from "../jobs/transition.ts";
import { ChildPool } from "../isolation/child-pool.ts";
import { BatchGatherer } from "./batch-gatherer.ts";
import { ClaimTurns } from "./claim-turns.ts";
import { Claimer } from "./claimer.ts";
import { executeJob } from "./execute-job.ts";
import type { AwaitedExecution, Execution, ExecutionListener } from "./execution.ts";
import { LostClaims } from "./lost-claims.ts";
import { maxClaim, SentClaims } from "./sent-claims.ts";
import type { SentClaim } from "./sent-claims.ts";
import { assertReserves, Slots } from "./slots.ts";
import { UpkeepTurn } from "./upkeep-turn.ts";
import { WakeSignal } from "./wake-signal.ts";
import { WorkerCounts } from "./worker-counts.ts";
import type { WorkerOptions, WorkerParts } from "./worker-options.ts";
import { beatWorker, registerWorker, unregisterWorker, workerBeatMs } from "./worker-row.ts";
import type { WorkerFigures } from "./worker-row.ts";

/** So many jobs take milliseconds to begin; the database claims the next ones meanwhile. */
const manyJobs = 100;
/**
 * While jobs come in a stream, some with each claim and fewer than there are slots, claims begin this far
 * apart: one of ten jobs takes the database nearly as long as one of a hundred. A job that comes alone
 * never waits for this.
 */
const streamClaimMs = 5;
const streamJobs = 4;
/**
 * Jobs are handed back after the claim under way, which would bring them again. It takes milliseconds; one that
 * takes longer than this may be stuck, and the jobs need what is left of the time before the process is killed.
 */
const claimEndsMs = 1_000;

/** Claims jobs and runs them, in a loop that hints wake and a poll backs up. */
export class Worker implements Service {
  readonly name = "worker";
  readonly id: string;
  readonly upkeep = new UpkeepTurn();
  readonly #parts: WorkerParts;
  readonly #options: WorkerOptions;
  /** From the claim until the end is recorded. */
  readonly #held = new TurnoverMap<string, Execution>();
  /** Those whose handlers are at work: what fills the slots. */
  readonly #running = new TurnoverMap<ClaimedJob, true>();
  readonly #slots: Slots;
  readonly #wake = new WakeSignal();
  readonly #batches: BatchGatherer;
  readonly #children: ChildPool | undefined;
  #starting: Promise<void> | undefined;
  #isStopping = false;
  #stopping: Promise<void> | undefined;
  /** Somebody wants it to claim nothing more for now. */
  #isDraining = false;
  readonly #counts: WorkerCounts;
  #loop: Promise<void> | undefined;
  /** Claimed, with their slots taken, and begun when the next claim is on its way. */
  #soon: { readonly jobs: readonly ClaimedJob[]; readonly begun: Promise<void> } | undefined;
  /** One for each queue: there may be room for the jobs of one and none for those of another. */
  readonly #subscriptions = new Map<string, Subscription>();
  /** Queues that somebody told of after their last claim had begun, which may not have seen that work. */
  readonly #told = new Set<string>();
  #lastTurnMs = performance.now();
  /** Resolves what waits until nothing is held. */
  #tellEmpty: (() => void) | undefined;
  readonly #listener: ExecutionListener = {
    ran: (job) => this.#leaveSlot(job),
    done: (execution) => this.#ended(execution),
  };
  readonly #claimer: Claimer;
  readonly #lostClaims: LostClaims;
  readonly #turns: ClaimTurns;
  readonly #claims: SentClaims;

  constructor(id: string, parts: WorkerParts, options: WorkerOptions) {
    this.id = id;
    this.#parts = parts;
    this.#options = options;
    assertReserves(options);
    this.#slots = new Slots(options.queues, options.concurrency, options.reserves);
    this.#counts = new WorkerCounts(parts.bus, (jobId) => this.#held.has(jobId));
    this.#turns = new ClaimTurns(options.queues);
    this.#claimer = new Claimer(parts, { ...options, worker: { id, name: options.name } });
    this.#claims = new SentClaims(this.#claimer, this.#turns, (queue) => this.#told.delete(queue));
    this.#lostClaims = new LostClaims(parts, {
      workerId: id,
      leaseMs: options.leaseMs,
      isHeld: (jobId) => this.#held.has(jobId),
    });
    this.#batches = new BatchGatherer(parts, this.#listener);
    const { isolationEntry: entry, concurrency, recycle = {} } = options;
    this.#children =
      entry === undefined ? undefined : new ChildPool(parts, { ...recycle, entry, maxChildren: concurrency });
    parts.heartbeat.listen({
      onLost: (held) => this.#executionOf(held)?.stop("lease_lost"),
      onCancelRequested: (held) => this.#executionOf(held)?.stop("cancelled"),
    });
  }

  /** May be called again, also after it failed; not after it was told to stop. */
  start(): Promise<void> {
    if (this.#stopping !== undefined) {
      return Promise.reject(new StopError("shutdown", "This worker was told to stop: create another."));
    }
    return (this.#starting ??= this.#open().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    }));
  }

  async #open(): Promise<void> {
    await this.#register();
    await this.#claimer.refreshLimits();
    // After what may fail: a thread that nobody stops would keep the process alive.
    await this.#parts.heartbeat.start();
    this.#counts.start();
    for (const queue of new Set(this.#options.queues)) {
      this.#subscriptions.set(
        queue,
        this.#parts.broker.subscribe([queue], () => this.#hear(queue)),
      );
    }
    this.#loop = this.#turn();
    const { queues } = this.#options;
    this.#parts.hooks.emit({
      type: "worker.started",
      worker: { ...this.#self(), queues, concurrency: this.concurrency },
    });
  }

  #hear(queue: string): void {
    this.#told.add(queue);
    this.#claimer.wake(queue);
    this.#wake.wake();
  }

  /** Stops claiming, lets running jobs end for a while, then hands them back uncounted. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#loop !== undefined && !this.#isDraining) this.#tellDraining();
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#wake.wake();
    const timer = setTimeout(() => this.handBack(), this.#options.drainMs);
    // The loop first: what a claim under way still brings is running only after it.
    await this.#loop;
    // There will be no more jobs for these, and nothing of them has begun.
    for (const { id } of this.#batches.waiting()) this.#held.get(id)?.stop("shutdown");
    await this.#lostClaims.lookOnceMore();
    if (this.#held.size > 0) await this.#untilEmpty();
    clearTimeout(timer);
    await this.#children?.stop();
    await this.#parts.writer.settle();
    await this.#parts.heartbeat.stop();
    this.#counts.stop();
    if (this.#loop === undefined) return;
    await unregisterWorker(this.#parts.database, this.id);
    this.#parts.hooks.emit({ type: "worker.stopped", worker: this.#self() });
  }

  /** Says meanwhile that it drains: it would seem to have died, and its last jobs may take an hour. */
  async #untilEmpty(): Promise<void> {
    const empty = new Promise<void>((resolve) => (this.#tellEmpty = resolve));
    // Nobody's loss: the leases of its jobs are beaten for apart.
    const say = (): void => void this.#beatRow().catch(() => undefined);
    say();
    const saying = setInterval(say, Math.min(this.#options.pollMs, workerBeatMs));
    await empty;
    clearInterval(saying);
  }

  #beatRow(): ReturnType<typeof beatWorker> {
    return beatWorker(this.#parts.database, this.id, this.#figures());
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
    const wishes = await this.#beatRow();
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
    if (concurrency === this.concurrency) return;
    this.#slots.resize(concurrency);
    this.#children?.resize(concurrency);
    this.#wake.wake();
  }

  get concurrency(): number {
    return this.#slots.count;
  }

  /**
   * Claims nothing more and tells every running job to stop; each goes back to its queue with what it has recorded.
   * The rest is for `stop`, before or after.
   */
  handBack(): void {
    this.#isStopping = true;
    this.#wake.wake();
    const tell = (): void => {
      clearTimeout(timer);
      for (const execution of this.#held.values()) execution.stop("shutdown");
    };
    const timer = setTimeout(tell, claimEndsMs);
    void Promise.resolve(this.#loop).then(tell, tell);
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

  /** For health: false when its heartbeats do not land. It then takes no jobs until one does. */
  get doesBeat(): boolean {
    return this.#parts.heartbeat.doesLand;
  }

  get busySlots(): number {
    return this.#slots.busy;
  }

  #self() {
    return { id: this.id, name: this.#options.name };
  }

  async #register(): Promise<void> {
    await registerWorker(this.#parts.database, {
      ...this.#options,
      id: this.id,
      concurrency: this.concurrency,
      tasks: this.#parts.registry.keys(),
    });
  }

  #figures(): WorkerFigures {
    return {
      state: this.#isDraining || this.#isStopping ? "draining" : "running",
      concurrency: this.concurrency,
      running: this.busySlots,
      ...this.#counts.read(),
      broker: this.#parts.broker.status(),
      isUpkeepTurning: this.upkeep.isTurning,
    };
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
    const ahead = this.#claims.aheadLimit ?? 0;
    const held = this.#held.size + (this.#soon?.jobs.length ?? 0) + ahead;
    return Math.min(this.concurrency - this.busySlots - ahead, 2 * this.concurrency - held);
  }

  get #mayClaim(): boolean {
    return !this.#isDraining && this.doesBeat;
  }

  #hasRoomFor(queue: string): boolean {
    return this.#mayClaim && this.#slots.freeFor(queue, this.#free()) > 0;
  }

  async #turn(): Promise<void> {
    while (!this.#isStopping) {
      this.#lastTurnMs = performance.now();
      const free = this.#claims.aheadLimit ?? (this.#mayClaim ? Math.min(this.#free(), maxClaim) : 0);
      const started = await this.#fill(free).catch((error: unknown) => {
        this.#failedToClaim(error);
        return 0;
      });
      // Only who has room left: the others claim by themselves when a slot becomes free.
      for (const [queue, subscription] of this.#subscriptions) subscription.receive(this.#hasRoomFor(queue));
      if (started === 0) await this.#wake.wait(this.#restMs());
      else if (started >= streamJobs && started < free)
        await sleep(Math.max(0, this.#lastTurnMs + streamClaimMs - performance.now()));
    }
    await this.#takeAhead().catch((error: unknown) => this.#failedToClaim(error));
    await this.#soon?.begun;
  }

  #failedToClaim(error: unknown): void {
    const isAway = databaseUnavailable(error) !== undefined;
    this.#parts.logger.warn({ err: isAway ? undefined : toError(error) }, "jobs could not be claimed");
    this.#lostClaims.suspect();
  }

  /** Until the next turn, when nobody wakes it. */
  #restMs(): number {
    return Math.min(this.#options.pollMs, this.#claimer.againInMs, this.#lostClaims.lookInMs);
  }

  /** Claims as much as there are free slots; returns how many jobs were started. */
  async #fill(free: number): Promise<number> {
    if (this.#claims.aheadLimit !== undefined) return await this.#takeAhead();
    if (this.#lostClaims.lookInMs === 0) {
      // What is not begun is not held: it would be given back.
      await this.#soon?.begun;
      await this.#lostClaims.giveBack();
    }
    if (free <= 0) return 0;
    const share = this.#turns.shareOfOldest(free);
    const { started, oldest } = await this.#claimFromQueues(free, share);
    this.#turns.took(started, oldest, share);
    return started;
  }

  /** So many of `limit` the oldest. Returns how many were started, and of those how many for their age. */
  async #claimFromQueues(limit: number, share: number): Promise<{ started: number; oldest: number }> {
    this.#claimer.startRound();
    const turns = this.#turns.next(share);
    let started = 0;
    let oldest = 0;
    for (const [index, queue] of turns.entries()) {
      if (this.#isStopping || started >= limit) break;
      // What one queue leaves of its part is for those after it.
      const fairPart = Math.ceil((limit - started) / (turns.length - index));
      const part = Math.min(fairPart, this.#slots.freeFor(queue, this.#free()));
      if (part <= 0) continue;
      const partOfOldest = Math.min(part, Math.ceil((share - oldest) / (turns.length - index)));
      const taken = await this.#take(this.#claims.send({ queue, limit: part, oldest: partOfOldest }));
      started += taken;
      // They are taken first: fewer than asked for are all that there were.
      oldest += Math.min(partOfOldest, taken);
    }
    return { started, oldest };
  }

  /** Starts what a claim brings, and sends the next one before it answers when both are sure to be large. */
  async #take(sent: SentClaim): Promise<number> {
    const { queue, limit, sentMs, claim } = sent;
    if (this.#mayClaimBeside(queue)) this.#claims.sendBeside(sent);
    const { jobs: claimed, isMore, strays } = await claim;
    // Of the claim before, when this one was answered as soon.
    await this.#soon?.begun;
    this.#lostClaims.strayed(strays);
    this.#parts.heartbeat.hold(claimed, performance.now() - sentMs);
    for (const job of claimed) this.#takeSlot(job);
    if (claimed.length === limit && limit >= manyJobs) this.#runSoon(claimed);
    else for (const job of claimed) this.#run(job);
    this.#claims.brought(claimed.length);
    this.#settle(queue, isMore);
    return claimed.length;
  }

  /** While there is room for two. A worker of several queues claims from each in its turn. */
  #mayClaimBeside(queue: string): boolean {
    const isDue = this.#mayClaim && !this.#isStopping && this.#lostClaims.lookInMs === Infinity;
    const isAlone = this.#options.queues.length === 1;
    return isDue && isAlone && this.#slots.freeFor(queue, this.#free()) >= 2 * maxClaim;
  }

  /** Takes the claim that was sent beside the one before, if one was. */
  async #takeAhead(): Promise<number> {
    const sent = this.#claims.takeAhead();
    if (sent === undefined) return 0;
    const taken = await this.#take(sent);
    this.#turns.took(taken, Math.min(sent.oldest, taken), sent.oldest);
    return taken;
  }

  /** After a claim, which has taken all jobs that it saw unless there may be more. */
  #settle(queue: string, isMore: boolean): void {
    const subscription = this.#subscriptions.get(queue);
    // The hint that came meanwhile is for the next turn, or where there is no room for others.
    if (!isMore && !this.#told.has(queue)) subscription?.settle(queue, false);
    else if (!this.#hasRoomFor(queue)) subscription?.settle(queue, true);
  }

  /** Begins them once the next claim is sent: before another answer can come. */
  #runSoon(jobs: readonly ClaimedJob[]): void {
    const begin = (): void => {
      if (this.#soon === soon) this.#soon = undefined;
      for (const job of jobs) this.#run(job);
    };
    const begun = immediate()
      .then(begin)
      .catch((error: unknown) => this.#failedToClaim(error));
    const soon = { jobs, begun };
    this.#soon = soon;
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
    if (isIsolated && this.#children !== undefined) {
      const slot = { leave: () => this.#leaveSlot(job), take: () => this.#takeSlot(job) };
      return this.#tellDone(this.#children.run(job, slot));
    }
    const asMember = isIsolated ? undefined : this.#batches.start(job);
    return asMember ?? this.#tellDone(executeJob(this.#parts, job, this.#listener));
  }

  #tellDone(execution: AwaitedExecution): Execution {
    void execution.done.then(() => this.#ended(execution));
    return execution;
  }

  #start(job: ClaimedJob): void {
    // Taken from here, and here again before a beat found out.
    this.#held.get(job.id)?.stop("lease_lost");
    const execution = this.#execute(job);
    this.#held.set(job.id, execution);
    if (this.#isStopping) execution.stop("shutdown");
  }

  #takeSlot(job: ClaimedJob): void {
    this.#running.set(job, true);
    this.#slots.take(job.queue);
  }

  #leaveSlot(job: ClaimedJob): void {
    if (!this.#running.delete(job)) return;
    this.#slots.leave(job.queue);
    this.#wake.wake();
  }

  #ended(execution: Execution): void {
    const { job } = execution;
    this.#parts.heartbeat.release(job);
    if (this.#held.get(job.id) === execution) this.#held.delete(job.id);
    this.#leaveSlot(job);
    this.#wake.wake();
    this.#claimer.ended(job);
    if (this.#held.size === 0) this.#tellEmpty?.();
  }
}

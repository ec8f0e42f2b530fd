import type { StopReason } from "@millrace/kernel";
import type { AttemptStop } from "../worker/attempt-stop.ts";
import type { JobDone } from "./messages.ts";

export type RunLimits = {
  /** After this the child ends the attempt by itself. Undefined: it does not know the task either. */
  readonly hardLimitMs: number | undefined;
  /** How long after that it is killed, when a loop keeps it from doing so. */
  readonly overrunMs: number;
  /** How long after it was told to stop it is killed. Longer than its own grace. */
  readonly killAfterStopMs: number;
  /** Undefined: only the heap is limited. */
  readonly ceilingBytes: number | undefined;
  readonly memoryCheckMs: number;
};

/** What a run needs of the child it is in. */
type RunningChild = {
  readonly kill: () => void;
  readonly sendStop: (reason: StopReason) => void;
  readonly readBytes: () => number | undefined;
};

/**
 * A child that is ready answers at once, unless what a former job left behind keeps it busy. Too short
 * costs a child on a starved machine, too long delays one job.
 */
const startWithinMs = 10_000;

/** One job in a child: hears what the child says of it, and kills the child when it must not go on. */
export class WatchedRun {
  readonly #child: RunningChild;
  readonly #limits: RunLimits;
  readonly #attempt: AttemptStop;
  readonly #done = Promise.withResolvers<JobDone>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #silence: NodeJS.Timeout;
  #overrun: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isOver = false;
  #killedFor: "silence" | "memory" | undefined;

  constructor(attempt: AttemptStop, limits: RunLimits, child: RunningChild) {
    this.#attempt = attempt;
    this.#limits = limits;
    this.#child = child;
    this.#silence = setTimeout(() => {
      // What it said while this thread was blocked is read first.
      setImmediate(() => {
        if (!this.#isStarted && !this.#isOver) this.#killFor("silence");
      });
    }, startWithinMs);
    attempt.onStop((reason) => this.#stop(reason));
  }

  get done(): Promise<JobDone> {
    return this.#done.promise;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Why the child was killed, when that was neither for the time nor because it was told to stop. */
  get killedFor(): "silence" | "memory" | undefined {
    return this.#killedFor;
  }

  started(): void {
    clearTimeout(this.#silence);
    if (this.#isOver) return;
    this.#isStarted = true;
    const { hardLimitMs, overrunMs, ceilingBytes, memoryCheckMs } = this.#limits;
    if (hardLimitMs !== undefined) {
      this.#overrun = setTimeout(() => this.#killForTime(), hardLimitMs + overrunMs);
    }
    if (ceilingBytes !== undefined) {
      this.#timers.push(setInterval(() => this.#checkMemory(ceilingBytes), memoryCheckMs));
    }
  }

  ran(): void {
    clearTimeout(this.#overrun);
  }

  finish(done: JobDone): void {
    this.#done.resolve(done);
  }

  stopWatching(): void {
    this.#isOver = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#overrun);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #stop(reason: StopReason): void {
    if (this.#isOver) return;
    // The lease is the worker's, and another holds the job: whatever the child still does is too much.
    if (reason === "lease_lost") return this.#child.kill();
    // Of its time limits the child knows by itself.
    if (reason !== "timed_out") this.#child.sendStop(reason);
    this.#after(this.#limits.killAfterStopMs, () => this.#child.kill());
  }

  #killForTime(): void {
    this.#attempt.stop("timed_out");
    this.#child.kill();
  }

  #killFor(why: "silence" | "memory"): void {
    this.#killedFor = why;
    this.#child.kill();
  }

  #checkMemory(ceilingBytes: number): void {
    if ((this.#child.readBytes() ?? 0) > ceilingBytes) this.#killFor("memory");
  }

  #after(delayMs: number, act: () => void): void {
    this.#timers.push(setTimeout(act, delayMs));
  }
}

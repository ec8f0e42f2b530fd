import { StopError } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";

/** Made without a function for each job. */
export type StopListener = { readonly told: (reason: StopReason) => void };

/**
 * The ways in which one attempt is told to stop. The signal aborts once, with the first reason; a
 * later one may weigh more, as when a job past its soft limit is cancelled, and `reason` is the one
 * that counts: a lost lease stays lost, and a soft limit says nothing new to what is stopping.
 */
export class AttemptStop {
  readonly #first: StopListener | undefined;
  /** Both made when somebody asks for them: most jobs are over before anybody does. */
  #controller: AbortController | undefined;
  #aborted: StopError | undefined;
  #listeners: ((reason: StopReason) => void)[] | undefined;
  #reason: StopReason | undefined;
  #shutdownAtMs: number | undefined;

  /** `first` hears of each reason before all others. */
  constructor(first?: StopListener) {
    this.#first = first;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  stop(reason: StopReason): void {
    if (reason === this.#reason || this.#reason === "lease_lost") return;
    if (reason === "timed_out" && this.#reason !== undefined) return;
    this.#reason = reason;
    if (reason === "shutdown") this.#shutdownAtMs ??= performance.now();
    this.#aborted ??= new StopError(reason, `The job was stopped: ${reason}`);
    this.#controller?.abort(this.#aborted);
    this.#first?.told(reason);
    for (const listener of this.#listeners ?? []) listener(reason);
  }

  /** What the signal aborted with; undefined while it has not. */
  get aborted(): StopError | undefined {
    return this.#aborted;
  }

  /** Calls back for each reason that counts, also for one that came before. */
  onStop(listener: (reason: StopReason) => void): void {
    (this.#listeners ??= []).push(listener);
    if (this.#reason !== undefined) listener(this.#reason);
  }

  /** How long ago the process was told to stop; 0 when it was not. */
  msSinceShutdown(): number {
    return this.#shutdownAtMs === undefined ? 0 : performance.now() - this.#shutdownAtMs;
  }
}

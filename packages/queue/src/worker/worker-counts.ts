import { monitorEventLoopDelay } from "node:perf_hooks";
import type { EventBus } from "../events/event-bus.ts";
import type { JobTransition } from "../events/event.ts";
import { attemptOutcome } from "../observe/attempt-outcome.ts";
import type { WorkerFigures } from "./worker-row.ts";

/** What a worker counts from its start to its stop: the attempts that ended here, and how its process does. */
export class WorkerCounts {
  readonly #bus: EventBus;
  readonly #isHeld: (jobId: string) => boolean;
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 });
  #unobserve: (() => void) | undefined;
  #processed = 0;
  #failed = 0;

  constructor(bus: EventBus, isHeld: (jobId: string) => boolean) {
    this.#bus = bus;
    this.#isHeld = isHeld;
  }

  start(): void {
    this.#loopDelay.enable();
    this.#unobserve = this.#bus.onTransition((transition) => this.#observe(transition));
  }

  stop(): void {
    this.#loopDelay.disable();
    this.#unobserve?.();
  }

  /** Attempts since the start; the delay of the event loop since the last call. */
  read(): Pick<WorkerFigures, "processed" | "failed" | "rssBytes" | "loopDelayMs"> {
    const loopDelayMs = this.#loopDelay.percentile(99) / 1e6;
    this.#loopDelay.reset();
    return {
      processed: this.#processed,
      failed: this.#failed,
      rssBytes: process.memoryUsage.rss(),
      loopDelayMs: Number.isFinite(loopDelayMs) ? loopDelayMs : 0,
    };
  }

  #observe(transition: JobTransition): void {
    const outcome = attemptOutcome(transition);
    if (outcome === undefined || !this.#isHeld(transition.job.id)) return;
    this.#processed++;
    if (outcome === "failed" || outcome === "timed_out" || outcome === "crashed") this.#failed++;
  }
}

import type { CrewRuntime } from "./runtime.ts";

const minuteMs = 60_000;

/** `max_rpm`: so many calls begin within any minute. Recorded calls count, so a resumed run keeps to it too. */
export class RateGate {
  readonly #perMinute: number;
  #startedAt: number[] = [];

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Counts a call that a former attempt made. */
  note(atMs: number): void {
    this.#startedAt.push(atMs);
  }

  /** Waits until one more may begin, and counts it. */
  async enter(runtime: CrewRuntime, signal: AbortSignal): Promise<void> {
    for (;;) {
      const now = runtime.clock.now().getTime();
      this.#startedAt = this.#startedAt.filter((at) => at > now - minuteMs);
      if (this.#startedAt.length < this.#perMinute) {
        this.#startedAt.push(now);
        return;
      }
      const oldest = Math.min(...this.#startedAt);
      await runtime.pause(oldest + minuteMs - now, signal);
    }
  }
}

const tickMs = 50;
/** Less is what a busy machine does to everybody all the time. */
const leastMs = 200;

/**
 * How long this process itself was not let run: the machine stood still, or others had all of it. For so long nothing
 * can be said of the processes that it watches.
 */
export class OwnStalls {
  /** All of them together, since the start. */
  totalMs = 0;
  longestMs = 0;
  #tickedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#tickedMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      const lateMs = nowMs - this.#tickedMs - tickMs;
      this.#tickedMs = nowMs;
      if (lateMs < leastMs) return;
      this.totalMs += lateMs;
      this.longestMs = Math.max(this.longestMs, lateMs);
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Lets one loop sleep until somebody has news, or a time has passed. */
export class WakeSignal {
  #isSet = false;
  #resolve: (() => void) | undefined;

  /** Wakes the sleeper, or lets its next sleep return at once. */
  wake(): void {
    this.#isSet = true;
    this.#resolve?.();
  }

  async wait(maxMs: number): Promise<void> {
    if (!this.#isSet) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxMs);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#resolve = undefined;
    }
    this.#isSet = false;
  }
}

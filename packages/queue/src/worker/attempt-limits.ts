import { timedOut } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import type { AttemptStop } from "./attempt-stop.ts";
import { StopGrace } from "./stop-grace.ts";

/** The time that one attempt has. */
export class AttemptLimits {
  readonly #task: Pick<Task, "softLimitMs" | "hardLimitMs">;
  readonly #attempt: AttemptStop;
  #limit: NodeJS.Timeout | undefined;
  #grace: StopGrace | undefined;

  constructor(task: Pick<Task, "softLimitMs" | "hardLimitMs">, attempt: AttemptStop) {
    this.#task = task;
    this.#attempt = attempt;
  }

  /**
   * What `run` gives. At the soft limit it is told to stop. At the hard one, or a moment after it was told
   * to stop, this rejects although it goes on; what it still writes then is void.
   */
  hold<Result>(run: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const { softLimitMs, hardLimitMs } = this.#task;
      this.#limit = setTimeout(() => {
        this.#attempt.stop("timed_out");
        this.#limit = setTimeout(() => reject(timedOut()), hardLimitMs - softLimitMs);
      }, softLimitMs);
      const grace = new StopGrace(this.#attempt, reject);
      this.#grace = grace;
      this.#attempt.onStop((reason) => grace.begin(reason));
      run().then(resolve, reject);
    });
  }

  /** When it is over, in whatever way. */
  clear(): void {
    clearTimeout(this.#limit);
    this.#grace?.clear();
  }
}

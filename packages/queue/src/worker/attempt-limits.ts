import { toError } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";
import { timedOut } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import type { AttemptStop } from "./attempt-stop.ts";

/** A handler that was told to stop gets this long before its attempt ends without it. */
const stopGraceMs = 5_000;

/** The time that one attempt has. */
export class AttemptLimits {
  readonly #task: Pick<Task, "softLimitMs" | "hardLimitMs">;
  readonly #attempt: AttemptStop;
  #limit: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #isOver = false;

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
      this.#attempt.onStop((reason) => this.#giveGrace(reason, reject));
      run().then(resolve, reject);
    });
  }

  /** When it is over, in whatever way. */
  clear(): void {
    this.#isOver = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#grace);
  }

  #giveGrace(reason: StopReason, reject: (error: Error) => void): void {
    // A soft limit leaves the handler until the hard one.
    if (this.#isOver || reason === "timed_out") return;
    const isLost = reason === "lease_lost";
    if (this.#grace !== undefined && !isLost) return;
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => reject(toError(this.#attempt.aborted)), isLost ? 0 : stopGraceMs);
  }
}

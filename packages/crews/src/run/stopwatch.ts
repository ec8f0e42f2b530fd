import { crewErrors } from "../errors.ts";

/**
 * `max_execution_time` of an agent at one task. Counts what its recorded turns and tool calls took, so that
 * neither a restart nor the wait for a person uses it up.
 */
export class Stopwatch {
  readonly #limitMs: number;
  readonly #task: string;
  readonly #agent: string;
  #spentMs = 0;

  constructor(limit: { readonly seconds: number; readonly task: string; readonly agent: string }) {
    this.#limitMs = limit.seconds * 1000;
    this.#task = limit.task;
    this.#agent = limit.agent;
  }

  /** Counts a recorded part. Throws `crew_execution_time_exceeded` when that was too much. */
  spend(durationMs: number): void {
    this.#spentMs += durationMs;
    if (this.#spentMs >= this.#limitMs) throw this.exceeded();
  }

  /** Aborts when the rest of the time is over. */
  signal(): AbortSignal {
    return AbortSignal.timeout(Math.max(1, Math.ceil(this.#limitMs - this.#spentMs)));
  }

  exceeded(): Error {
    return crewErrors.timeExceeded(this.#task, this.#agent, this.#limitMs / 1000);
  }
}

/**
 * Runs one part under the signal and all of the watches. Throws `crew_execution_time_exceeded` when a watch
 * ended it; the signal's own reason comes first.
 */
export async function underWatches<Value>(
  watches: readonly Stopwatch[],
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const limits = watches.map((watch) => ({ watch, signal: watch.signal() }));
  try {
    return await run(AbortSignal.any([signal, ...limits.map((limit) => limit.signal)]));
  } catch (error) {
    const over = limits.find((limit) => limit.signal.aborted);
    if (over === undefined || signal.aborted) throw error;
    throw over.watch.exceeded();
  }
}

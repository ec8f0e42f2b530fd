import type { JobContext } from "../worker/job-context.ts";

/** What became of one job of a batch. */
export type BatchOutcome<Output = unknown> = { readonly output: Output } | { readonly error: unknown };

/** How a worker runs several jobs of one task at once. */
export type BatchRunner<Output = unknown> = {
  /** The most jobs at once. */
  readonly maxSize: number;
  /** How long a batch that is not full may wait for more. 0: it takes what is there. */
  readonly maxWaitMs: number;
  /**
   * One outcome for each context, in the same order; never rejects. Each job keeps its own fence,
   * signal and end.
   */
  readonly run: (contexts: readonly JobContext<unknown>[]) => Promise<readonly BatchOutcome<Output>[]>;
};

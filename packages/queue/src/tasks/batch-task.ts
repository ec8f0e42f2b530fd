import { toError } from "@millrace/kernel";
import type { JobContext } from "../worker/job-context.ts";
import { invalidBatchResult, invalidTask } from "./task-errors.ts";
import { parsedHooks } from "./task.ts";
import type { AnyTaskHandler, Task, TaskHooks } from "./task.ts";
import { acceptOutput, parseInput } from "./task-values.ts";

/** What became of one job of a batch: what it gives, or what would be thrown if it ran by itself. */
export type BatchOutcome<Output = unknown> = { readonly output: Output } | { readonly error: Error };

/** Code that runs several jobs of one task at once, as one call of a model does for many texts. */
export type BatchTaskHandler<Input = unknown, Output = unknown> = TaskHooks<Input, Output> & {
  readonly task: Task<Input, Output>;
  /** The most jobs at once. */
  readonly maxSize: number;
  /** How long a batch that is not full waits for more, in milliseconds. Default 0: it takes what is there. */
  readonly maxWaitMs?: number;
  /**
   * Gives one outcome for each context, in the same order. What it throws counts against every job
   * of the batch. `signal` aborts when all jobs of the batch were told to stop; each context has its
   * own for its job.
   */
  readonly run: (
    contexts: readonly JobContext<Input>[],
    signal: AbortSignal,
  ) => Promise<readonly BatchOutcome<Output>[]>;
};

/** How a worker runs several jobs of one task at once. */
export type BatchRunner<Output = unknown> = {
  readonly maxSize: number;
  readonly maxWaitMs: number;
  /**
   * One outcome for each context, in the same order; never rejects. Each job keeps its own fence,
   * signal and end. The contexts' inputs are what `readInput` of the handler gave.
   */
  readonly run: (
    contexts: readonly JobContext<unknown>[],
    signal: AbortSignal,
  ) => Promise<readonly BatchOutcome<Output>[]>;
};

/** More jobs than this would hold their leases for one call, and be lost together with it. */
const maxBatchSize = 1000;

/**
 * Joins a task with code that runs up to `maxSize` of its jobs at once. Inputs and outputs are
 * parsed one by one: what is wrong with one job fails that job. Throws `invalid_task` when the size
 * or the wait can't be.
 */
export function handleBatchTask<Input, Output>(
  handler: BatchTaskHandler<Input, Output>,
): AnyTaskHandler<Input, Output> {
  const { task, maxSize, maxWaitMs = 0 } = handler;
  if (!Number.isSafeInteger(maxSize) || maxSize < 1 || maxSize > maxBatchSize) {
    throw invalidTask(task.name, `maxSize of a batch must be a whole number from 1 to ${maxBatchSize}.`);
  }
  if (task.isolation !== undefined) {
    throw invalidTask(
      task.name,
      "a batch runs in the worker's own process: leave isolation out, or the batch.",
    );
  }
  if (!(maxWaitMs >= 0 && maxWaitMs < task.softLimitMs)) {
    throw invalidTask(task.name, "maxWaitMs of a batch must be 0 or more, and under softLimitMs.");
  }
  const runBatch: BatchRunner<Output>["run"] = (contexts, signal) =>
    // Their inputs were read by the schema below.
    runTogether(handler, contexts as readonly JobContext<Input>[], signal);
  return {
    task,
    readInput: (value) => parseInput(task, value),
    batch: { maxSize, maxWaitMs, run: runBatch },
    run: async (context) => {
      const [outcome] = await runBatch([context], context.signal);
      if (outcome === undefined) throw new Error("A batch of one gave no outcome");
      if ("error" in outcome) throw outcome.error;
      return outcome.output;
    },
    ...parsedHooks(task, handler),
  };
}

/** The outcomes of work that was started for each job by itself, in the same order. */
export async function settled<Output>(
  outputs: readonly Promise<Output>[],
): Promise<readonly BatchOutcome<Output>[]> {
  const results = await Promise.allSettled(outputs);
  return results.map((result) =>
    result.status === "fulfilled" ? { output: result.value } : { error: toError(result.reason) },
  );
}

/** One outcome for each context: what is thrown for all goes to each. */
async function runTogether<Input, Output>(
  { task, run }: BatchTaskHandler<Input, Output>,
  contexts: readonly JobContext<Input>[],
  signal: AbortSignal,
): Promise<readonly BatchOutcome<Output>[]> {
  try {
    const outcomes = await run(contexts, signal);
    // Nobody can tell which job an answer belongs to when some are missing.
    if (outcomes.length !== contexts.length) throw invalidBatchResult(task.name);
    return outcomes.map((outcome) =>
      "error" in outcome ? { error: toError(outcome.error) } : accepted(task, outcome.output),
    );
  } catch (thrown) {
    const error = toError(thrown);
    return contexts.map(() => ({ error }));
  }
}

function accepted<Input, Output>(task: Task<Input, Output>, output: Output): BatchOutcome<Output> {
  try {
    return { output: acceptOutput(task, output) };
  } catch (thrown) {
    return { error: toError(thrown) };
  }
}

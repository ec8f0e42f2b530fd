import type { z } from "zod";
import type { JobContext } from "../worker/job-context.ts";
import type { WriteScope } from "../write-scope.ts";
import type { BatchRunner } from "./batch-task.ts";
import { checkTask } from "./check-task.ts";
import { parseRateLimit } from "./rate-limit.ts";
import type { RateLimit, RateLimitOption } from "./rate-limit.ts";
import { acceptOutput, parseInput, parseOutput } from "./task-values.ts";

/** How long to wait before the next try after a failure. */
export type Backoff = {
  /** The first wait, in seconds. Default 60. */
  readonly firstSeconds: number;
  /** Each further wait is this many times longer. Default 2. */
  readonly factor: number;
  /** No wait is longer, in seconds. Default 600. */
  readonly capSeconds: number;
  /**
   * `full` (default) waits anything from nothing to the wait of this try, so that jobs that failed
   * together do not come back together. `none` waits exactly that long.
   */
  readonly jitter: "full" | "none";
};

/**
 * What to do about one error: `false` never again, `true` again after the usual wait, a delay again
 * after exactly that, undefined as if there were no rule. `attempt` counts from 1.
 */
export type RetryRule = (
  error: unknown,
  attempt: number,
) => boolean | { readonly delayMs: number } | undefined;

/** How long an ended job is kept, in days. What is left out follows the product's policy. */
export type Retention = {
  /** Default 7. */
  readonly succeededDays?: number;
  /** Failed, cancelled, expired. Default 30. */
  readonly otherEndsDays?: number;
};

/** The job runs in a child process, which crashes alone. */
export type Isolation = {
  /** A child that holds more ends, and the attempt fails with `job_out_of_memory`. Default 1024. */
  readonly memoryMegabytes?: number;
};

/** A named, typed unit of work: data only, so that a process can enqueue what it does not run. */
export type Task<Input = unknown, Output = unknown> = {
  /** `domain.verb_object`; one word is enough for a program with few tasks. */
  readonly name: string;
  /** What it does, for people: shown where tasks are listed. */
  readonly description?: string | undefined;
  /** Raise it when an old input no longer fits; both versions then need a handler until the old one drains. */
  readonly version: number;
  readonly queue: string;
  /** 0 to 9, 9 first. */
  readonly priority: number;
  /** Further tries after the first, when an attempt fails. */
  readonly retries: number;
  readonly backoff: Backoff;
  /** What to do about one error. Default: errors that say they would come again end the job. */
  readonly retryOn?: RetryRule | undefined;
  /** After this the signal aborts with reason `timed_out`. */
  readonly softLimitMs: number;
  /** After this the attempt ends even if the handler goes on; its later writes are void. Never under the soft limit. */
  readonly hardLimitMs: number;
  /** Starts of this task per time, over all workers. A job that waits for it holds no slot. */
  readonly rateLimit?: RateLimit | undefined;
  /** The same, for each key that `limitKey` gives. */
  readonly keyRateLimit?: RateLimit | undefined;
  /** Jobs of this task at once, over all workers. */
  readonly concurrency?: number | undefined;
  /** The same, for each key that `limitKey` gives. */
  readonly keyConcurrency?: number | undefined;
  /** What the limits per key count by: a provider, an account. Asked once, when the job is enqueued. */
  // A method, so that a task of one input can stand among tasks of any.
  limitKey?(this: void, input: Input): string;
  /** A job that has not started this long after it was enqueued ends as `expired`. Default never. */
  readonly expiresInMs?: number | undefined;
  /** While a job with this key is pending, enqueueing another gives that one. */
  unique?(this: void, input: Input): string;
  readonly retention?: Retention | undefined;
  /** Default: in the worker's own process. */
  readonly isolation?: Isolation | undefined;
  /**
   * Places in the input and the output that people are never shown: `password`, `card.number`,
   * `items[*].token`. The database keeps them as they are: the handler needs them.
   */
  readonly redact: readonly string[];
  /**
   * Whether people are shown what unexpected errors of its handler say, with the stack in the job's log. They
   * may speak of SQL and of paths: for tasks whose jobs are seen only by those who run the program. Default
   * false: `internal_error`, and the words in the log of the process.
   */
  readonly showErrors?: boolean | undefined;
  /** A result with more bytes of JSON fails the job with `result_too_large`. */
  readonly maxOutputBytes: number;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
};

type Given = "name" | "input" | "output" | "backoff" | "rateLimit" | "keyRateLimit";

export type TaskOptions<Input, Output> = Pick<Task<Input, Output>, "name" | "input" | "output"> &
  Partial<Omit<Task<Input, Output>, Given>> & {
    readonly backoff?: Partial<Backoff>;
    readonly rateLimit?: RateLimitOption | undefined;
    readonly keyRateLimit?: RateLimitOption | undefined;
  };

/**
 * Declares a task; what is left out takes the product's defaults. Throws `invalid_task` or
 * `invalid_rate_limit` when it could not work.
 */
export function defineTask<Input, Output>(options: TaskOptions<Input, Output>): Task<Input, Output> {
  const { backoff, rateLimit, keyRateLimit, ...rest } = options;
  const task: Task<Input, Output> = {
    version: 1,
    queue: "default",
    priority: 5,
    retries: 3,
    softLimitMs: 1_500_000,
    hardLimitMs: 1_800_000,
    redact: [],
    // What a list of jobs can still carry. More belongs in a file store, with its id as the output.
    maxOutputBytes: 1_048_576,
    ...rest,
    backoff: { firstSeconds: 60, factor: 2, capSeconds: 600, jitter: "full", ...backoff },
    rateLimit: rateLimit === undefined ? undefined : parseRateLimit(rateLimit),
    keyRateLimit: keyRateLimit === undefined ? undefined : parseRateLimit(keyRateLimit),
  };
  checkTask(task);
  return task;
}

/** What a job came to, for the hook that writes the domain's rows. */
export type JobEnd<Input = unknown, Output = unknown> = {
  readonly jobId: string;
  /**
   * As the task's schema reads it. What it no longer takes comes as it is stored: of a job whose input was partly
   * forgotten, or did not fit from the beginning. Don't trust a field that a handler forgets.
   */
  readonly input: Input;
} & (
  | { readonly state: "succeeded"; readonly output: Output }
  | {
      readonly state: "failed" | "expired";
      readonly error: { readonly code: string; readonly message: string };
    }
  | { readonly state: "cancelled" }
);

/** What a domain does in the transactions that end a job or put it back in line. */
export type TaskHooks<Input = unknown, Output = unknown> = {
  /**
   * Writes the domain's rows in the transaction that ends the job, whoever ends it: the worker, a
   * cancel with no worker alive, the reaper. Database work only. Not called for a member of a workflow that
   * ends before its turn and whose input is to come from what goes before it, unless what it has so far fits.
   */
  readonly onEnd?: (scope: WriteScope, end: JobEnd<Input, Output>) => Promise<void>;
  /** The same for a job that a person retries. */
  readonly onRetry?: (
    scope: WriteScope,
    job: { readonly jobId: string; readonly input: Input },
  ) => Promise<void>;
};

export type TaskHandler<Input = unknown, Output = unknown> = TaskHooks<Input, Output> & {
  readonly task: Task<Input, Output>;
  readonly run: (context: JobContext<Input>) => Promise<Output>;
};

/** An end with the values as they are stored. */
export type StoredEnd = JobEnd & {
  /** It ended before its turn in a workflow: what goes before it may still have had to give its input. */
  readonly wasBlocked: boolean;
};

/** A handler whose types were checked where it was made: the registry holds many kinds. */
export type AnyTaskHandler<Input = unknown, Output = unknown> = {
  readonly task: Task<Input, Output>;
  /** A stored input as the task's schema reads it. Throws `invalid_job_input`: no try will do better. */
  readonly readInput: (value: unknown) => unknown;
  /**
   * Runs one job, also of a task that is handled in batches: then a batch of one. The context's input is
   * what `readInput` gave.
   */
  readonly run: (context: JobContext<unknown>) => Promise<Output>;
  /** Present when several jobs can run at once. */
  readonly batch?: BatchRunner<Output>;
  /** Absent when the task has nothing to write: such jobs can be ended many at once. */
  readonly onEnd?: ((scope: WriteScope, end: StoredEnd) => Promise<void>) | undefined;
  readonly onRetry: (scope: WriteScope, job: { jobId: string; input: unknown }) => Promise<void>;
};

/**
 * Joins a task with the code that runs it. Inputs and outputs are parsed by the task's schemas: `run`
 * rejects with `invalid_job_output` or `result_too_large`.
 */
export function handleTask<Input, Output>(
  handler: TaskHandler<Input, Output>,
): AnyTaskHandler<Input, Output> {
  const { task, run } = handler;
  return {
    task,
    readInput: (value) => parseInput(task, value),
    // Its input was read by the schema above.
    run: async (context) => acceptOutput(task, await run(context as JobContext<Input>)),
    ...parsedHooks(task, handler),
  };
}

/** The hooks of a domain, given values that its task's schemas have parsed. */
export function parsedHooks<Input, Output>(
  task: Task<Input, Output>,
  { onEnd, onRetry }: TaskHooks<Input, Output>,
): Pick<AnyTaskHandler, "onEnd" | "onRetry"> {
  return {
    onEnd:
      onEnd === undefined
        ? undefined
        : async (scope, stored) => {
            const end = readEnd(task, stored);
            if (end !== undefined) await onEnd(scope, end);
          },
    onRetry: async (scope, job) => {
      await onRetry?.(scope, { jobId: job.jobId, input: parseInput(task, job.input) });
    },
  };
}

/** Undefined for a job whose input never came. Whatever has become of its input, a job has to end. */
function readEnd<Input, Output>(
  task: Task<Input, Output>,
  { wasBlocked, ...end }: StoredEnd,
): JobEnd<Input, Output> | undefined {
  const read = tryInput(task, end.input);
  if (read === undefined && wasBlocked) return undefined;
  // Unchecked: a hook that is told of less than its type says can write more than one that is left out.
  const { input } = read ?? { input: end.input as Input };
  return end.state === "succeeded"
    ? { ...end, input, output: parseOutput(task, end.output) }
    : { ...end, input };
}

function tryInput<Input>(task: Task<Input>, value: unknown): { readonly input: Input } | undefined {
  try {
    return { input: parseInput(task, value) };
  } catch {
    // A schema may also throw what it likes at a value that it was not written for.
    return undefined;
  }
}

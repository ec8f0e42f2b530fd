import type { z } from "zod";
import type { WriteScope } from "../write-scope.ts";
import type { JobContext } from "../worker/job-context.ts";

/** How long to wait before the next try after a failure, in seconds. */
export type Backoff = {
  /** The first wait. Default 60. */
  readonly firstSeconds: number;
  /** Each further wait is this many times longer. Default 2. */
  readonly factor: number;
  /** No wait is longer. Default 600. */
  readonly capSeconds: number;
};

/** A named, typed unit of work: data only, so that a process can enqueue what it does not run. */
export type Task<Input = unknown, Output = unknown> = {
  /** `domain.verb_object` */
  readonly name: string;
  readonly version: number;
  readonly queue: string;
  readonly priority: number;
  readonly retries: number;
  readonly backoff: Backoff;
  /** After this the signal aborts with reason `timed_out`. */
  readonly softLimitMs: number;
  /** After this the attempt ends even if the handler goes on; its later writes are void. */
  readonly hardLimitMs: number;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
};

export type TaskOptions<Input, Output> = Pick<Task<Input, Output>, "name" | "input" | "output"> &
  Partial<Omit<Task<Input, Output>, "name" | "input" | "output">>;

/** Declares a task; what is left out takes the product's defaults. */
export function defineTask<Input, Output>(options: TaskOptions<Input, Output>): Task<Input, Output> {
  return {
    version: 1,
    queue: "default",
    priority: 5,
    retries: 3,
    backoff: { firstSeconds: 60, factor: 2, capSeconds: 600 },
    softLimitMs: 1_500_000,
    hardLimitMs: 1_800_000,
    ...options,
  };
}

/** What a job came to, for the hook that writes the domain's rows. */
export type JobEnd<Input = unknown, Output = unknown> = {
  readonly jobId: string;
  readonly input: Input;
} & (
  | { readonly state: "succeeded"; readonly output: Output }
  | { readonly state: "failed"; readonly error: { readonly code: string; readonly message: string } }
  | { readonly state: "cancelled" | "expired" }
);

export type TaskHandler<Input = unknown, Output = unknown> = {
  readonly task: Task<Input, Output>;
  readonly run: (context: JobContext<Input>) => Promise<Output>;
  /**
   * Writes the domain's rows in the transaction that ends the job, whoever ends it: the worker, a
   * cancel with no worker alive, the reaper. Database work only.
   */
  readonly onEnd?: (scope: WriteScope, end: JobEnd<Input, Output>) => Promise<void>;
  /** The same for a job that a person retries. */
  readonly onRetry?: (
    scope: WriteScope,
    job: { readonly jobId: string; readonly input: Input },
  ) => Promise<void>;
};

/** A handler whose types were checked where it was made: the registry holds many kinds. */
export type AnyTaskHandler = {
  readonly task: Task;
  readonly run: (context: JobContext<unknown>) => Promise<unknown>;
  readonly onEnd: (scope: WriteScope, end: JobEnd) => Promise<void>;
  readonly onRetry: (scope: WriteScope, job: { jobId: string; input: unknown }) => Promise<void>;
};

/** Joins a task with the code that runs it. Inputs and outputs are parsed by the task's schemas. */
export function handleTask<Input, Output>(handler: TaskHandler<Input, Output>): AnyTaskHandler {
  const { task, run, onEnd, onRetry } = handler;
  return {
    task,
    run: async (context) =>
      task.output.parse(await run({ ...context, input: task.input.parse(context.input) })),
    onEnd: async (scope, end) => {
      if (onEnd === undefined) return;
      const input = task.input.parse(end.input);
      await onEnd(
        scope,
        end.state === "succeeded"
          ? { ...end, input, output: task.output.parse(end.output) }
          : { ...end, input },
      );
    },
    onRetry: async (scope, job) => {
      await onRetry?.(scope, { jobId: job.jobId, input: task.input.parse(job.input) });
    },
  };
}

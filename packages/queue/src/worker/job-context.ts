import type { Cache } from "@millrace/cache";
import type { Logger } from "@millrace/kernel";
import type { z } from "zod";
import type { EnqueueOptions } from "../jobs/enqueue.ts";
import type { Task } from "../tasks/task.ts";
import type { WaitOptions } from "../waiting/question.ts";
import type { StartableFlow, WorkflowOptions } from "../workflows/start-workflow.ts";
import type { StartedWorkflow } from "../workflows/workflows.ts";
import type { WriteScope } from "../write-scope.ts";

export type ProgressReport = {
  /** 0 to 100. A lower number than before is raised to it: progress does not go back. */
  readonly percent?: number;
  readonly stage?: string;
  readonly message?: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: string;
};

export type LogLevel = "debug" | "info" | "warning" | "error";

export type StepOptions<Value> = {
  /** Parses a stored value when the step was done before. Default: trusted as it is. */
  readonly output?: z.ZodType<Value>;
  /** Writes the domain's rows in the transaction that records the step. */
  readonly record?: (scope: FencedScope, value: Value) => Promise<void>;
};

/** A write scope of a job: its events go to the job's stream, in the same transaction. */
export type FencedScope = WriteScope & {
  readonly emit: (type: string, data: Readonly<Record<string, unknown>>) => void;
};

/**
 * What a handler works with. Everything it writes is void once the job is no longer its own. Its parts may
 * be taken out (`({ input, step }) => …`); a copy by spread (`{ ...context }`) has only some of them.
 */
export type JobContext<Input> = {
  readonly job: {
    readonly id: string;
    readonly task: string;
    readonly owner: string | null;
    readonly stream: string;
    readonly attempt: number;
    readonly maxAttempts: number;
  };
  readonly input: Input;
  /** Aborts with a StopError: cancelled, timed_out, lease_lost or shutdown. */
  readonly signal: AbortSignal;
  /** Whether a failure now would be the last. */
  readonly isLastAttempt: boolean;
  /** Milliseconds until the soft limit; 0 once it is over. */
  readonly timeLeft: () => number;
  /**
   * Runs a named part once for the life of the job: a recorded value is returned without running
   * again, also after a crash. A part in flight when its process died runs again. The value must
   * survive JSON.
   */
  readonly step: <Value>(
    key: string,
    run: (signal: AbortSignal) => Promise<Value>,
    options?: StepOptions<Value>,
  ) => Promise<Value>;
  /** A transaction that commits only while the job is held; throws `lease_lost` otherwise. */
  readonly transaction: <Result>(work: (scope: FencedScope) => Promise<Result>) => Promise<Result>;
  /**
   * Enqueues another job, once for the life of this one: recorded as the step `key` in the
   * transaction that writes the child, so that a later attempt gets the same child's id instead of
   * another child. The child's owner is this job's unless the options name one. Where its unique or
   * idempotency key gives a job that is there already, it is that one, still a child of whoever
   * enqueued it. Throws `lease_lost`, and what enqueueing throws.
   */
  readonly enqueueChild: <Input, Output>(
    key: string,
    task: Task<Input, Output>,
    input: Input,
    options?: EnqueueOptions,
  ) => Promise<{ readonly id: string }>;
  /**
   * Starts a workflow, once for the life of this job: recorded as the step `key` in the transaction that
   * writes the workflow. Its owner is this job's unless the options name one. It goes on by itself, also
   * when this job is cancelled. Throws `lease_lost`, and what starting a workflow throws.
   */
  readonly startWorkflow: <Output>(
    key: string,
    flow: StartableFlow<Output>,
    options?: WorkflowOptions,
  ) => Promise<StartedWorkflow<Output>>;
  /**
   * The answer of a person, or of something outside, once for the life of the job. While there is none this
   * throws, which ends the attempt without counting it: the job waits, holding no slot, and a later attempt
   * that comes here again gets the answer. Don't catch what it throws. The answer is kept as the step `key`:
   * no other step may have this key. Throws `invalid_question`.
   */
  readonly waitFor: <Answer>(key: string, options: WaitOptions<Answer>) => Promise<Answer>;
  /**
   * Merges fields into the job's meta, at the top level. Kept with the job and
   * shown with it: no document text, no secrets. Throws `lease_lost`.
   */
  readonly setMeta: (patch: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Coalesced: at most four a second reach the watchers, the last one always. */
  readonly progress: (report: ProgressReport) => void;
  /** A line kept with the job and shown live. For people: no document text, no secrets. */
  readonly log: (level: LogLevel, message: string, step?: string) => void;
  /** What can be computed again, shared by all jobs: never a place for results. See docs/cache.md. */
  readonly cache: Cache;
  /** The process's own log, for developers. */
  readonly logger: Logger;
};

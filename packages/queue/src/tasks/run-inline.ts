import { MemoryStore, StoredCache } from "@millrace/cache";
import type { Cache } from "@millrace/cache";
import { newId, parseJson, silentLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { ownStream } from "../events/append-events.ts";
import type { EnqueueOptions } from "../jobs/enqueue.ts";
import type {
  FencedScope,
  JobContext,
  LogLevel,
  ProgressReport,
  StepOptions,
} from "../worker/job-context.ts";
import { toQuestion } from "../waiting/question.ts";
import { takeAnswer } from "../waiting/take-answer.ts";
import type { StartableFlow, WorkflowOptions } from "../workflows/start-workflow.ts";
import type { WriteScope } from "../write-scope.ts";
import { noInlineDatabase } from "./task-errors.ts";
import type { AnyTaskHandler, Task } from "./task.ts";
import { parseInput, parseOutput } from "./task-values.ts";

export type InlineOptions = {
  /** Default 1. */
  readonly attempt?: number;
  /** Default: as many as the task's retries give. */
  readonly maxAttempts?: number;
  readonly owner?: string;
  /** Default `job:<id>`. */
  readonly stream?: string;
  /** Default: one that never aborts. Time limits are not enforced here. */
  readonly signal?: AbortSignal;
  /**
   * Steps that earlier attempts recorded. Those of this run are added to it, also when the handler
   * throws: give the same map to the next run and it goes on where this one stopped. The answers that
   * `waitFor` finds are among them, by their keys.
   */
  readonly steps?: Map<string, unknown>;
  /** Opens a transaction: `(work) => queue.transaction(work)`. Default: `inline_without_database` is thrown. */
  readonly transaction?: <Result>(work: (scope: WriteScope) => Promise<Result>) => Promise<Result>;
  /** Default: what the task's soft limit leaves, counted from the start of the run. */
  readonly timeLeft?: () => number;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Default: an empty one of this run's own. */
  readonly cache?: Cache;
};

export type InlineChild = {
  readonly id: string;
  readonly key: string;
  readonly task: string;
  readonly input: unknown;
  readonly options: EnqueueOptions;
};

export type InlineWorkflow = {
  readonly id: string;
  readonly key: string;
  readonly flow: StartableFlow<unknown>;
  readonly options: WorkflowOptions;
};

/** What a handler gave and did, as the job would have kept it. */
export type InlineRun<Output> = {
  readonly output: Output;
  /** Each step that is recorded now, by its key, children among them. */
  readonly steps: ReadonlyMap<string, unknown>;
  readonly progress: readonly ProgressReport[];
  readonly logs: readonly {
    readonly level: LogLevel;
    readonly message: string;
    readonly step: string | undefined;
  }[];
  /** Emitted in transactions that committed. */
  readonly events: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[];
  /** Jobs it enqueued. They are not run. */
  readonly children: readonly InlineChild[];
  /** Workflows it started. Nothing of them is run. */
  readonly workflows: readonly InlineWorkflow[];
  readonly meta: Readonly<Record<string, unknown>>;
};

type Recording = {
  readonly steps: Map<string, unknown>;
  readonly progress: ProgressReport[];
  readonly logs: InlineRun<unknown>["logs"][number][];
  readonly events: InlineRun<unknown>["events"][number][];
  readonly children: InlineChild[];
  readonly workflows: InlineWorkflow[];
  readonly meta: Record<string, unknown>;
};

/**
 * Runs one attempt of a job in this process, at once, without a database or a worker: for tests.
 * Input, output and recorded steps go through their schemas and through JSON as they would in the
 * queue. Rejects with what the handler threw, or with what `waitFor` throws where no step is its answer: nothing is retried, and the hooks `onEnd` and
 * `onRetry` are not called.
 */
export async function runInline<Input, Output>(
  handler: AnyTaskHandler<Input, Output>,
  input: Input,
  options: InlineOptions = {},
): Promise<InlineRun<Output>> {
  const { task } = handler;
  const recording: Recording = {
    steps: options.steps ?? new Map<string, unknown>(),
    progress: [],
    logs: [],
    events: [],
    children: [],
    workflows: [],
    meta: {},
  };
  const stored = throughJson(parseInput(task, input));
  const context = createInlineContext({ task, input: handler.readInput(stored), options, recording });
  const output = await handler.run(context);
  return { ...recording, output: parseOutput(task, throughJson(output)) };
}

function createInlineContext<Input>(run: {
  readonly task: Task<Input>;
  readonly input: unknown;
  readonly options: InlineOptions;
  readonly recording: Recording;
}): JobContext<unknown> {
  const { task, input, options, recording } = run;
  const id = newId();
  const attempt = options.attempt ?? 1;
  const maxAttempts = options.maxAttempts ?? task.retries + 1;
  const signal = options.signal ?? new AbortController().signal;
  const startedAt = performance.now();
  const transaction = createTransaction(options, recording);
  return {
    job: {
      id,
      task: task.name,
      owner: options.owner ?? null,
      stream: options.stream ?? ownStream(id),
      attempt,
      maxAttempts,
    },
    input,
    signal,
    isLastAttempt: attempt >= maxAttempts,
    timeLeft: options.timeLeft ?? (() => Math.max(0, task.softLimitMs - (performance.now() - startedAt))),
    step: (key, work, stepOptions) =>
      runStep({ key, work, options: stepOptions, signal, transaction, steps: recording.steps }),
    transaction,
    enqueueChild: (key, childTask, childInput, childOptions) =>
      Promise.resolve().then(() => {
        signal.throwIfAborted();
        return recordChild(recording, { key, task: childTask, input: childInput, options: childOptions });
      }),
    startWorkflow: (key, flow, workflowOptions = {}) =>
      Promise.resolve().then(() => {
        signal.throwIfAborted();
        const known = recording.steps.get(key);
        if (known !== undefined) return known as { id: string };
        const started = { id: newId() };
        recording.workflows.push({ ...started, key, flow, options: workflowOptions });
        recording.steps.set(key, started);
        return started;
      }),
    waitFor: async (key, waitOptions) => {
      const question = toQuestion(key, waitOptions);
      signal.throwIfAborted();
      const found = recording.steps.has(key) ? { value: recording.steps.get(key) } : undefined;
      return await takeAnswer(question, waitOptions.schema, found);
    },
    setMeta: (patch) =>
      Promise.resolve().then(() => {
        signal.throwIfAborted();
        Object.assign(recording.meta, throughJson(patch));
      }),
    progress: (report) => void recording.progress.push(report),
    log: (level, message, step) => void recording.logs.push({ level, message, step }),
    cache: options.cache ?? new StoredCache({ store: new MemoryStore(), logger: silentLogger }),
    logger: options.logger ?? silentLogger,
  };
}

function createTransaction(options: InlineOptions, recording: Recording): JobContext<unknown>["transaction"] {
  const open = options.transaction;
  if (open === undefined) return () => Promise.reject(noInlineDatabase());
  return async (work) => {
    let emitted: Recording["events"] = [];
    const result = await open((scope) => {
      // A database that repeats a transaction repeats its events: only those of the last count.
      emitted = [];
      return work({ ...scope, emit: (type, data) => void emitted.push({ type, data }) });
    });
    recording.events.push(...emitted);
    return result;
  };
}

async function runStep<Value>(call: {
  readonly key: string;
  readonly work: (signal: AbortSignal) => Promise<Value>;
  readonly options: StepOptions<Value> | undefined;
  readonly signal: AbortSignal;
  readonly transaction: (work: (scope: FencedScope) => Promise<void>) => Promise<void>;
  readonly steps: Map<string, unknown>;
}): Promise<Value> {
  const { key, work, options, signal, transaction, steps } = call;
  signal.throwIfAborted();
  if (steps.has(key)) {
    const found = steps.get(key);
    // Without a schema the value is what this same step returned before, through JSON.
    return options?.output === undefined ? (found as Value) : options.output.parse(found);
  }
  const value = await work(signal);
  const record = options?.record;
  if (record !== undefined) await transaction((scope) => record(scope, value));
  steps.set(key, throughJson(value));
  return value;
}

function recordChild<Input, Output>(
  recording: Recording,
  child: {
    readonly key: string;
    readonly task: Task<Input, Output>;
    readonly input: Input;
    readonly options: EnqueueOptions | undefined;
  },
): { readonly id: string } {
  const { key, task, options = {} } = child;
  const known = recording.steps.get(key);
  if (known !== undefined) return known as { id: string };
  const id = options.id ?? newId();
  const input = throughJson(parseInput(task, child.input));
  recording.children.push({ id, key, task: task.name, input, options });
  recording.steps.set(key, { id });
  return { id };
}

/** The value as it comes back from the database: dates are text, what JSON does not know is null or gone. */
function throughJson(value: unknown): unknown {
  return parseJson(JSON.stringify(value ?? null));
}

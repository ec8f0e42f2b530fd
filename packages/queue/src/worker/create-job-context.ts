import { AsyncLocalStorage } from "node:async_hooks";
import type { Cache } from "@millrace/cache";
import { jsonText } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { sleep } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { commit } from "../crash-point.ts";
import { leaseLost, nestedTransaction } from "../errors.ts";
import type { NewEvent } from "../events/append-events.ts";
import type { EventBus } from "../events/event-bus.ts";
import { enqueueJobs, prepareJob } from "../jobs/enqueue.ts";
import type { EnqueueOptions } from "../jobs/enqueue.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { lockHeldRow } from "../jobs/lock-job.ts";
import { traceStep } from "../observe/spans.ts";
import { traceEnqueues } from "../observe/trace-enqueues.ts";
import { isStepDone, recordStep, startStep } from "../steps/run-step.ts";
import { scrubText } from "../tasks/redact.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { Task } from "../tasks/task.ts";
import { findAnswer } from "../waiting/begin-wait.ts";
import { toQuestion } from "../waiting/question.ts";
import type { WaitOptions } from "../waiting/question.ts";
import { takeAnswer } from "../waiting/take-answer.ts";
import { invalidQuestion } from "../waiting/waiting-errors.ts";
import { startWorkflow } from "../workflows/start-workflow.ts";
import type { StartableFlow, WorkflowOptions } from "../workflows/start-workflow.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import type { AttemptStop } from "./attempt-stop.ts";
import { mayPassLater } from "./database-trouble.ts";
import type { EventWriter } from "./event-writer.ts";
import type { FencedScope, JobContext, ProgressReport, StepOptions } from "./job-context.ts";
import { logLine, writePending } from "./pending-writes.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { ProgressEstimate } from "./progress-estimate.ts";

export type ContextParts = {
  readonly database: QueryAccess;
  readonly bus: EventBus;
  readonly broker: Announcer;
  readonly registry: TaskRegistry;
  readonly writer: EventWriter;
  readonly cache: Cache;
  readonly logger: Logger;
};

/** The transaction in which the present code was begun. */
const surrounding = new AsyncLocalStorage<{ readonly job: ClaimedJob; isOpen: boolean }>();

/** What would wait for the end of the transaction that it is in. */
function refuseNested({ job }: RunningJob): void {
  const around = surrounding.getStore();
  if (around?.job === job && around.isOpen) throw nestedTransaction(job.id);
}

/** Together about four seconds. */
const maxRecordTries = 6;

/** A claimed job and what ends its attempt before it returns. */
type RunningJob = {
  readonly job: ClaimedJob;
  /** The job's, as its task's schema reads it. */
  readonly input: unknown;
  readonly attempt: AttemptStop;
  /** From now. */
  readonly softLimitMs: number;
  /** What log lines and progress must not say. */
  readonly secrets: readonly string[];
};

/** Builds what a handler works with for one claimed job. */
export function createJobContext(parts: ContextParts, running: RunningJob): JobContext<unknown> {
  return new LiveJobContext(parts, running);
}

/**
 * Made for every job, so what most handlers leave alone is made when it is asked for. Getters that give
 * functions, so that a handler may take them out of the context.
 */
class LiveJobContext implements JobContext<unknown> {
  readonly job: JobContext<unknown>["job"];
  readonly input: unknown;
  readonly #parts: ContextParts;
  readonly #running: RunningJob;
  readonly #softEndMs: number;
  #estimate: ProgressEstimate | undefined;
  #logger: Logger | undefined;

  constructor(parts: ContextParts, running: RunningJob) {
    const { id, task, owner, stream, attempt, max_attempts: maxAttempts } = running.job;
    this.job = { id, task, owner, stream, attempt, maxAttempts };
    this.input = running.input;
    this.#parts = parts;
    this.#running = running;
    this.#softEndMs = performance.now() + running.softLimitMs;
  }

  get signal(): AbortSignal {
    return this.#running.attempt.signal;
  }

  get isLastAttempt(): boolean {
    return this.job.attempt >= this.job.maxAttempts;
  }

  get timeLeft(): JobContext<unknown>["timeLeft"] {
    return () => Math.max(0, this.#softEndMs - performance.now());
  }

  get step(): JobContext<unknown>["step"] {
    return (key, run, options) => this.#runStep(key, run, options);
  }

  get transaction(): JobContext<unknown>["transaction"] {
    return (work) => runFenced(this.#parts, this.#running, work);
  }

  get enqueueChild(): JobContext<unknown>["enqueueChild"] {
    return (key, task, input, options) => this.#enqueueChild(key, task, input, options);
  }

  get startWorkflow(): JobContext<unknown>["startWorkflow"] {
    return (key, flow, options) => this.#startWorkflow(key, flow, options);
  }

  get waitFor(): JobContext<unknown>["waitFor"] {
    return (key, options) => this.#waitFor(key, options);
  }

  get setMeta(): JobContext<unknown>["setMeta"] {
    return (patch) =>
      runFenced(this.#parts, this.#running, async (scope) => {
        await sql`
          UPDATE job_payload SET meta = meta || ${jsonText(patch)}::jsonb WHERE job_id = ${this.job.id}`.execute(
          scope.transaction,
        );
      });
  }

  get progress(): JobContext<unknown>["progress"] {
    return (report) => {
      const { job, secrets } = this.#running;
      this.#parts.writer.progress(job, this.#progress().next(scrubReport(report, secrets)));
    };
  }

  get log(): JobContext<unknown>["log"] {
    return (level, message, step) => {
      const { job, secrets } = this.#running;
      const line = logLine(level, scrubText(message, secrets), step ?? this.#progress().stage);
      this.#parts.writer.log(job, line);
    };
  }

  get cache(): Cache {
    return this.#parts.cache;
  }

  get logger(): Logger {
    const { id: jobId, task, attempt } = this.job;
    return (this.#logger ??= this.#parts.logger.child({ jobId, task, attempt }));
  }

  #progress(): ProgressEstimate {
    return (this.#estimate ??= new ProgressEstimate());
  }

  async #runStep<Value>(
    key: string,
    run: (signal: AbortSignal) => Promise<Value>,
    options: StepOptions<Value> | undefined,
    transaction = this.transaction,
  ): Promise<Value> {
    refuseNested(this.#running);
    const { signal } = this;
    const { database } = this.#parts;
    return await runStep({ key, run, options, signal, database, transaction, held: this.#running.job });
  }

  async #waitFor<Answer>(key: string, options: WaitOptions<Answer>): Promise<Answer> {
    const { job, secrets } = this.#running;
    const { queryable } = this.#parts.database;
    const question = toQuestion(key, { ...options, question: scrubText(options.question, secrets) });
    this.signal.throwIfAborted();
    refuseNested(this.#running);
    const found = await persist(this.signal, () => findAnswer(queryable, job.id, key));
    if (found === undefined && (await persist(this.signal, () => isStepDone(queryable, job.id, key)))) {
      throw invalidQuestion(key, "a step of this job has its key");
    }
    return await takeAnswer(question, options.schema, found);
  }

  async #enqueueChild<Input, Output>(
    key: string,
    task: Task<Input, Output>,
    input: Input,
    options: EnqueueOptions | undefined,
  ): Promise<{ readonly id: string }> {
    const { job } = this.#running;
    const child = prepareJob(this.#parts.registry.taskFor(task), input, {
      ...(job.owner === null ? {} : { owner: job.owner }),
      ...options,
      parentId: job.id,
    });
    const value = { id: child.id };
    const record = async (scope: FencedScope): Promise<void> => {
      const [written] = await traceEnqueues([child], (jobs) => enqueueJobs(scope, this.#parts, jobs));
      if (written === undefined || written.id === value.id) return;
      // Its unique or idempotency key gave a job that was there before.
      value.id = written.id;
      await recordStep(scope.transaction, job, key, value);
    };
    return await this.#runStep<{ id: string }>(key, () => Promise.resolve(value), { record });
  }

  async #startWorkflow<Output>(
    key: string,
    flow: StartableFlow<Output>,
    options: WorkflowOptions | undefined,
  ): Promise<{ readonly id: string }> {
    const { job } = this.#running;
    const owner = job.owner === null ? {} : { owner: job.owner };
    const value = { id: "" };
    const record = async (scope: FencedScope): Promise<void> => {
      // Known only now; the step was written first, so that a second attempt at the same time is refused there.
      value.id = await startWorkflow(scope, this.#parts, flow, { ...owner, ...options });
      await recordStep(scope.transaction, job, key, value);
    };
    return await this.#runStep<{ id: string }>(
      key,
      () => Promise.resolve(value),
      { record },
      (work) => startFenced(this.#parts, this.#running, work),
    );
  }
}

function scrubReport(report: ProgressReport, secrets: readonly string[]): ProgressReport {
  if (secrets.length === 0) return report;
  const scrub = (text: string): string => scrubText(text, secrets);
  return {
    ...report,
    ...(report.message === undefined ? {} : { message: scrub(report.message) }),
    ...(report.stage === undefined ? {} : { stage: scrub(report.stage) }),
  };
}

/**
 * One transaction that holds the job's row: what the job said before goes first, then the work,
 * then the events it emits. Nothing is written once a cancel was asked for: what the work is about
 * may have been deleted with it.
 */
async function runFenced<Result>(
  parts: ContextParts,
  running: RunningJob,
  work: (scope: FencedScope) => Promise<Result>,
): Promise<Result> {
  refuseNested(running);
  return await parts.writer.write(running.job, (pending) =>
    withWriteScope(parts.database, fenced(parts, running, { work, pending }), "fenced_write"),
  );
}

/** The same for a workflow that a job starts, with the record of the step. */
function startFenced<Result>(
  parts: ContextParts,
  running: RunningJob,
  work: (scope: FencedScope) => Promise<Result>,
): Promise<Result> {
  return parts.writer.write(running.job, (pending) =>
    withWriteScope(parts.database, fenced(parts, running, { work, pending }), "workflow_start_fenced"),
  );
}

function fenced<Result>(
  parts: ContextParts,
  { job, attempt }: RunningJob,
  given: { readonly work: (scope: FencedScope) => Promise<Result>; readonly pending: PendingWrites },
): (scope: WriteScope) => Promise<Result> {
  return async (scope) => {
    const held = await lockHeldRow(scope.transaction, job);
    if (held === undefined) throw leaseLost(job.id);
    if (held.is_cancel_requested) {
      attempt.stop("cancelled");
      attempt.signal.throwIfAborted();
    }
    const emitted: NewEvent[] = [];
    const emit: FencedScope["emit"] = (type, data) => {
      emitted.push({ stream: job.stream, owner: job.owner, type, data });
    };
    const around = { job, isOpen: true };
    try {
      const result = await surrounding.run(around, () => given.work({ ...scope, emit }));
      await writePending(scope, parts.bus, [given.pending], emitted);
      return result;
    } finally {
      around.isOpen = false;
    }
  };
}

type StepCall<Value> = {
  readonly key: string;
  readonly run: (signal: AbortSignal) => Promise<Value>;
  readonly options: StepOptions<Value> | undefined;
  readonly signal: AbortSignal;
  readonly database: QueryAccess;
  readonly transaction: JobContext<unknown>["transaction"];
  readonly held: { readonly id: string; readonly fence: number };
};

async function runStep<Value>(call: StepCall<Value>): Promise<Value> {
  const { key, run, options, signal, database, held } = call;
  signal.throwIfAborted();
  // Twice is fine: it is counted as another start, which says no more than that the call may have been made.
  const found = await persist(signal, () =>
    commit("step_start", () => startStep(database.queryable, held, key)),
  );
  if (found === undefined) return await refuse(call);
  if (found.state === "done") {
    // Without a schema the value is what this same step returned before, through JSON.
    return options?.output === undefined ? (found.output as Value) : options.output.parse(found.output);
  }
  signal.throwIfAborted();
  return await traceStep(key, async () => {
    const value = await run(signal);
    await persist(signal, () => keep(call, value));
    return value;
  });
}

async function keep<Value>(call: StepCall<Value>, value: Value): Promise<void> {
  const { key, options, database, transaction, held } = call;
  const { record } = options ?? {};
  if (record === undefined) {
    const isRecorded = await commit("step_record", () => recordStep(database.queryable, held, key, value));
    if (!isRecorded) await refuse(call);
    return;
  }
  await transaction(async (scope) => {
    // An earlier try has committed and its answer was lost: the domain's rows are there, once.
    if (await isStepDone(scope.transaction, held.id, key)) return;
    await recordStep(scope.transaction, held, key, value);
    await record(scope, value);
  });
}

/** Throws why a write was refused: the job is another's by now, or is to be cancelled. */
async function refuse({
  transaction,
  held,
}: Pick<StepCall<unknown>, "transaction" | "held">): Promise<never> {
  await transaction(() => Promise.resolve());
  throw leaseLost(held.id);
}

/** What a job has done may have cost money: a database that is away for a moment must not lose it. */
async function persist<Result>(signal: AbortSignal, write: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (tries >= maxRecordTries || !mayPassLater(error)) throw error;
      await sleep(tries * 250, signal);
    }
  }
}

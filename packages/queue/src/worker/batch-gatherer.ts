import type { ClaimedJob } from "../jobs/job-row.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { BatchOutcome, BatchRunner } from "../tasks/batch-task.ts";
import { traceBatch } from "../observe/spans.ts";
import type { RunJob } from "./execution.ts";
import type { JobContext } from "./job-context.ts";

type Gathering = { readonly jobs: ClaimedJob[]; readonly timer: NodeJS.Immediate | NodeJS.Timeout };

/**
 * Gathers claimed jobs of tasks that take several at once, and starts each batch when it is full or has
 * waited long enough. Its jobs hold their slots and leases meanwhile.
 */
export class BatchGatherer {
  readonly #registry: TaskRegistry;
  readonly #start: (job: ClaimedJob, run: RunJob) => void;
  readonly #gathering = new Map<AnyTaskHandler, Gathering>();

  constructor(registry: TaskRegistry, start: (job: ClaimedJob, run: RunJob) => void) {
    this.#registry = registry;
    this.#start = start;
  }

  /** Jobs that wait for their batch to start. */
  get size(): number {
    let size = 0;
    for (const { jobs } of this.#gathering.values()) size += jobs.length;
    return size;
  }

  /** False for a job whose task is not handled in batches. */
  take(job: ClaimedJob): boolean {
    const handler = this.#registry.find(job.task, job.task_version);
    if (handler?.batch === undefined) return false;
    const gathering = this.#gathering.get(handler) ?? this.#open(handler, handler.batch);
    gathering.jobs.push(job);
    if (gathering.jobs.length >= handler.batch.maxSize) this.#close(handler, handler.batch);
    return true;
  }

  /** Starts every batch as it is, when there will be no more jobs. */
  startAll(): void {
    for (const handler of this.#gathering.keys()) {
      if (handler.batch !== undefined) this.#close(handler, handler.batch);
    }
  }

  #open(handler: AnyTaskHandler, batch: BatchRunner): Gathering {
    const close = (): void => this.#close(handler, batch);
    // Without a wait: all that one claim brings.
    const timer = batch.maxWaitMs > 0 ? setTimeout(close, batch.maxWaitMs) : setImmediate(close);
    const gathering = { jobs: [], timer };
    this.#gathering.set(handler, gathering);
    return gathering;
  }

  #close(handler: AnyTaskHandler, batch: BatchRunner): void {
    const gathering = this.#gathering.get(handler);
    if (gathering === undefined) return;
    this.#gathering.delete(handler);
    clearTimeout(gathering.timer as NodeJS.Timeout);
    clearImmediate(gathering.timer as NodeJS.Immediate);
    const run = runTogether(gathering.jobs, batch);
    for (const job of gathering.jobs) this.#start(job, run);
  }
}

/** Gives each of some jobs its own outcome of one run, which begins when all have come. */
function runTogether(jobs: readonly ClaimedJob[], batch: BatchRunner): RunJob {
  const contexts: JobContext<unknown>[] = [];
  const outcomes = Promise.withResolvers<readonly BatchOutcome[]>();
  return async (context) => {
    const index = contexts.push(context) - 1;
    if (contexts.length === jobs.length) {
      traceBatch(jobs, () => batch.run(contexts)).then(outcomes.resolve, outcomes.reject);
    }
    const outcome = (await outcomes.promise)[index];
    if (outcome === undefined) throw new Error("a batch gave no outcome for a job");
    if ("error" in outcome) throw outcome.error;
    return outcome.output;
  };
}

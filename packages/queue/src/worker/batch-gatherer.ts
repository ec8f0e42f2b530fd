import { traceBatch } from "../observe/spans.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { BatchRunner } from "../tasks/batch-task.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { AttemptStop } from "./attempt-stop.ts";
import type { RunJob } from "./execution.ts";
import type { JobContext } from "./job-context.ts";

/** A job that waits for its batch to start, and then for what comes of it. */
type Member = {
  readonly job: ClaimedJob;
  readonly context: JobContext<unknown>;
  readonly attempt: AttemptStop;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
};

type Gathering = { readonly members: Member[]; readonly timer: NodeJS.Immediate | NodeJS.Timeout };

/**
 * Gathers running jobs of tasks that take several at once, and starts each batch when it is full or has
 * waited long enough. Its jobs hold their slots and leases meanwhile; one that is told to stop before its
 * batch starts leaves it.
 */
export class BatchGatherer {
  readonly #registry: TaskRegistry;
  readonly #gatherings = new Map<AnyTaskHandler, Gathering>();

  constructor(registry: TaskRegistry) {
    this.#registry = registry;
  }

  /** What runs this job as a part of a batch; undefined when its task is not handled in batches. */
  runOf(job: ClaimedJob): RunJob | undefined {
    const handler = this.#registry.find(job.task, job.task_version);
    const batch = handler?.batch;
    if (handler === undefined || batch === undefined) return undefined;
    return (context, attempt) =>
      new Promise((resolve, reject) => {
        this.#join(handler, batch, { job, context, attempt, resolve, reject });
      });
  }

  /** The jobs whose batch has not started. */
  waiting(): readonly ClaimedJob[] {
    return [...this.#gatherings.values()].flatMap(({ members }) => members.map(({ job }) => job));
  }

  #join(handler: AnyTaskHandler, batch: BatchRunner, member: Member): void {
    const { attempt } = member;
    if (attempt.aborted !== undefined) return member.reject(attempt.aborted);
    const gathering = this.#gatherings.get(handler) ?? this.#open(handler, batch);
    gathering.members.push(member);
    attempt.onStop(() => {
      if (this.#remove(handler, member)) member.reject(attempt.aborted);
    });
    if (gathering.members.length >= batch.maxSize) this.#close(handler, batch);
  }

  #open(handler: AnyTaskHandler, batch: BatchRunner): Gathering {
    const close = (): void => this.#close(handler, batch);
    // Without a wait: all that one claim brings.
    const timer = batch.maxWaitMs > 0 ? setTimeout(close, batch.maxWaitMs) : setImmediate(close);
    const gathering = { members: [], timer };
    this.#gatherings.set(handler, gathering);
    return gathering;
  }

  /** False when its batch has started. */
  #remove(handler: AnyTaskHandler, member: Member): boolean {
    const gathering = this.#gatherings.get(handler);
    const index = gathering?.members.indexOf(member) ?? -1;
    if (gathering === undefined || index < 0) return false;
    gathering.members.splice(index, 1);
    if (gathering.members.length === 0) this.#forget(handler, gathering);
    return true;
  }

  #close(handler: AnyTaskHandler, batch: BatchRunner): void {
    const gathering = this.#gatherings.get(handler);
    if (gathering === undefined) return;
    this.#forget(handler, gathering);
    void runTogether(gathering.members, batch);
  }

  #forget(handler: AnyTaskHandler, { timer }: Gathering): void {
    this.#gatherings.delete(handler);
    clearTimeout(timer as NodeJS.Timeout);
    clearImmediate(timer as NodeJS.Immediate);
  }
}

/** Gives each member its own outcome of one run. Never rejects. */
async function runTogether(members: readonly Member[], batch: BatchRunner): Promise<void> {
  const jobs = members.map(({ job }) => job);
  const contexts = members.map(({ context }) => context);
  try {
    const outcomes = await traceBatch(jobs, () => batch.run(contexts, signalOfAll(members)));
    for (const [index, { resolve, reject }] of members.entries()) {
      const own = outcomes[index];
      if (own === undefined) reject(new Error("a batch gave no outcome for a job"));
      else if ("error" in own) reject(own.error);
      else resolve(own.output);
    }
  } catch (error) {
    for (const { reject } of members) reject(error);
  }
}

/** Aborts when the last of several was told to stop: the others of a batch still want the answer. */
function signalOfAll(members: readonly Member[]): AbortSignal {
  const all = new AbortController();
  let going = members.length;
  for (const { attempt } of members) {
    let isGoing = true;
    attempt.onStop(() => {
      if (isGoing) going -= 1;
      isGoing = false;
      if (going === 0) all.abort(attempt.aborted);
    });
  }
  return all.signal;
}

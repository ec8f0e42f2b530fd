import type { ClaimedJob } from "../jobs/job-row.ts";
import type { BatchRunner } from "../tasks/batch-task.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { BatchMember } from "./batch-member.ts";
import type { ExecuteParts, Execution, ExecutionListener } from "./execution.ts";
import { runBatch } from "./run-batch.ts";

type Gathering = {
  readonly runner: BatchRunner;
  /** One of its jobs is to stop. */
  readonly onStop: (member: BatchMember) => void;
  readonly members: BatchMember[];
  readonly timer: NodeJS.Immediate | NodeJS.Timeout;
};

/**
 * Gathers claimed jobs of tasks that take several at once, and starts each batch when it is full or has
 * waited long enough. Its jobs hold their slots and leases meanwhile; one that is told to stop before its
 * batch starts leaves it.
 */
export class BatchGatherer {
  readonly #parts: ExecuteParts;
  readonly #listener: ExecutionListener;
  readonly #gatherings = new Map<AnyTaskHandler, Gathering>();

  constructor(parts: ExecuteParts, listener: ExecutionListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  /** Runs a job as a part of a batch; undefined when its task is not handled in batches. */
  start(job: ClaimedJob): Execution | undefined {
    const handler = this.#parts.registry.find(job.task, job.task_version);
    if (handler?.batch === undefined) return undefined;
    const member = new BatchMember(this.#parts, handler, job, this.#listener);
    const gathering = this.#gatherings.get(handler) ?? this.#open(handler, handler.batch);
    gathering.members.push(member);
    member.listen(gathering.onStop);
    if (gathering.members.length >= gathering.runner.maxSize) this.#close(handler);
    return member;
  }

  /** The jobs whose batch has not started. */
  waiting(): readonly ClaimedJob[] {
    return [...this.#gatherings.values()].flatMap(({ members }) => members.map(({ job }) => job));
  }

  #open(handler: AnyTaskHandler, runner: BatchRunner): Gathering {
    const close = (): void => this.#close(handler);
    // Without a wait: all that one claim brings.
    const timer = runner.maxWaitMs > 0 ? setTimeout(close, runner.maxWaitMs) : setImmediate(close);
    const onStop = (member: BatchMember): void => {
      if (this.#remove(handler, member)) void member.fail(member.attempt.aborted);
    };
    const gathering = { runner, onStop, members: [], timer };
    this.#gatherings.set(handler, gathering);
    return gathering;
  }

  /** False when its batch has started. */
  #remove(handler: AnyTaskHandler, member: BatchMember): boolean {
    const gathering = this.#gatherings.get(handler);
    const index = gathering?.members.indexOf(member) ?? -1;
    if (gathering === undefined || index < 0) return false;
    gathering.members.splice(index, 1);
    if (gathering.members.length === 0) this.#forget(handler, gathering);
    return true;
  }

  #close(handler: AnyTaskHandler): void {
    const gathering = this.#gatherings.get(handler);
    if (gathering === undefined) return;
    this.#forget(handler, gathering);
    const { runner, members } = gathering;
    // Not before the caller has entered the last of them among what it holds.
    queueMicrotask(() => void runBatch(this.#parts, { handler, runner }, members));
  }

  #forget(handler: AnyTaskHandler, { timer }: Gathering): void {
    this.#gatherings.delete(handler);
    clearTimeout(timer as NodeJS.Timeout);
    clearImmediate(timer as NodeJS.Immediate);
  }
}

import type { Database } from "@millrace/database";
import { databaseUnavailable } from "@millrace/database";
import { sleep, StopError, stopReason, toError } from "@millrace/kernel";
import type { Logger, StopReason } from "@millrace/kernel";
import type { Broker } from "../brokers/broker.ts";
import { timedOut } from "../errors.ts";
import type { EventBus } from "../events/event-bus.ts";
import { finishAttempt } from "../jobs/finish-attempt.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import { withWriteScope } from "../write-scope.ts";
import { createJobContext } from "./create-job-context.ts";
import { decideEnd } from "./decide-end.ts";
import type { EventWriter } from "./event-writer.ts";
import { writePending } from "./pending-writes.ts";

/** A handler that was told to stop gets this long before its attempt ends without it. */
const stopGraceMs = 5_000;

export type ExecuteParts = {
  readonly database: Database;
  readonly bus: EventBus;
  readonly broker: Broker;
  readonly registry: TaskRegistry;
  readonly writer: EventWriter;
  readonly logger: Logger;
  /** Counts ends that came too late and were refused. */
  readonly onStaleWrite: () => void;
};

/** One attempt under way. */
export type Execution = {
  readonly job: ClaimedJob;
  readonly stop: (reason: StopReason) => void;
  /** Resolves when the end is recorded, or is no longer ours to record. Never rejects. */
  readonly done: Promise<void>;
};

/** Runs one claimed job to the end of its attempt. */
export function executeJob(parts: ExecuteParts, job: ClaimedJob): Execution {
  const controller = new AbortController();
  const stop = (reason: StopReason): void =>
    controller.abort(new StopError(reason, `The job was stopped: ${reason}`));
  return { job, stop, done: run(parts, job, controller.signal, stop) };
}

async function run(
  parts: ExecuteParts,
  job: ClaimedJob,
  signal: AbortSignal,
  stop: (reason: StopReason) => void,
): Promise<void> {
  const handler = parts.registry.find(job.task, job.task_version);
  if (handler === undefined)
    throw new Error(`claimed a job of an unknown task ${job.task}@${job.task_version}`);
  parts.writer.open(job);
  const soft = setTimeout(() => stop("timed_out"), handler.task.softLimitMs);
  try {
    const end = await runToEnd(parts, job, handler, signal);
    if (end !== undefined) await recordEnd(parts, job, end, signal);
  } finally {
    clearTimeout(soft);
    parts.writer.close(job);
  }
}

async function runToEnd(
  parts: ExecuteParts,
  job: ClaimedJob,
  handler: AnyTaskHandler,
  signal: AbortSignal,
): Promise<AttemptEnd | undefined> {
  const tried = { task: handler.task, attempt: job.attempt, maxAttempts: job.max_attempts };
  const knife = untilForced(handler.task.hardLimitMs, signal);
  try {
    const context = createJobContext(parts, job, signal);
    // Started in a then, so that a handler that throws at once is caught like any other.
    const output = await Promise.race([Promise.resolve(context).then(handler.run), knife.forced]);
    return { outcome: "succeeded", output };
  } catch (error) {
    const end = decideEnd(error, signal, tried);
    const isExpected = signal.aborted || end === undefined || end.outcome !== "failed";
    if (!isExpected)
      parts.logger.warn({ err: toError(error), jobId: job.id, task: job.task }, "a job's attempt failed");
    return end;
  } finally {
    knife.clear();
  }
}

/**
 * Rejects when the attempt must end although the handler goes on: at the hard limit, or a moment
 * after it was told to stop. What the handler still writes then is void.
 */
function untilForced(
  hardLimitMs: number,
  signal: AbortSignal,
): { forced: Promise<never>; clear: () => void } {
  const timers: NodeJS.Timeout[] = [];
  const forced = new Promise<never>((_resolve, reject) => {
    timers.push(setTimeout(() => reject(timedOut()), hardLimitMs));
    const onStop = (): void => {
      const reason = stopReason(signal);
      const graceMs = reason === "lease_lost" ? 0 : stopGraceMs;
      // A soft limit leaves the handler until the hard one.
      if (reason !== "timed_out") timers.push(setTimeout(() => reject(toError(signal.reason)), graceMs));
    };
    if (signal.aborted) onStop();
    else signal.addEventListener("abort", onStop, { once: true });
  });
  // Nobody may be waiting any more when it rejects.
  forced.catch(() => undefined);
  return { forced, clear: () => timers.forEach((timer) => clearTimeout(timer)) };
}

/**
 * Recording an end is tried again while the database is away; running the job is not. It gives up
 * when the lease is lost: the job is then another's.
 */
async function recordEnd(
  parts: ExecuteParts,
  job: ClaimedJob,
  end: AttemptEnd,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    const pending = parts.writer.take(job);
    try {
      const isOurs = await withWriteScope(parts.database, (scope) =>
        finishAttempt(scope, parts, job, {
          end,
          writeFirst: () => writePending(scope, parts.bus, [pending]),
        }),
      );
      if (!isOurs) parts.onStaleWrite();
      return;
    } catch (error) {
      parts.writer.putBack(pending);
      const isLost = signal.aborted && stopReason(signal) === "lease_lost";
      if (isLost) return;
      if (databaseUnavailable(error) === undefined) {
        parts.logger.error({ err: toError(error), jobId: job.id }, "the end of a job could not be recorded");
        if (end.outcome === "failed" || waitMs > 1_000) return;
        return await recordEnd(parts, job, unrecordable(error), signal);
      }
      parts.logger.warn({ jobId: job.id }, "the database is away; the end of a job will be recorded later");
      await sleep(waitMs);
    }
  }
}

/** An end whose own writes fail (a hook that throws, an output that is no JSON) fails the job. */
function unrecordable(error: unknown): AttemptEnd {
  return {
    outcome: "failed",
    error: { code: "end_not_recorded", message: `The result could not be stored: ${toError(error).message}` },
    retryInMs: undefined,
  };
}

import type { QueryAccess } from "@millrace/database";
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
import type { RunningJob } from "./create-job-context.ts";
import { isDatabaseTrouble, mayPassLater } from "./database-trouble.ts";
import { decideEnd } from "./decide-end.ts";
import type { EventWriter } from "./event-writer.ts";
import { writePending } from "./pending-writes.ts";

/** A handler that was told to stop gets this long before its attempt ends without it. */
const stopGraceMs = 5_000;

/** After the database failed under a job: long enough for a restart, short for who waits. Jittered by half. */
const troubleWaitMs = 2_000;
/**
 * A claim and a requeue each add one to the fence. After about 150 tries that the database spoiled,
 * further ones count: a statement that can never work must not run for ever.
 */
const maxFenceOfFreeTries = 300;
/** Ends are recorded for this long after the process was told to stop; later the lease decides. */
const recordAfterStopMs = 3_000;

export type ExecuteParts = {
  readonly database: QueryAccess;
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
  let stoppedAtMs = Number.POSITIVE_INFINITY;
  const stop = (reason: StopReason): void => {
    if (reason === "shutdown") stoppedAtMs = Math.min(stoppedAtMs, performance.now());
    controller.abort(new StopError(reason, `The job was stopped: ${reason}`));
  };
  const mayWait = (): boolean => performance.now() - stoppedAtMs < recordAfterStopMs;
  return { job, stop, done: run(parts, { job, signal: controller.signal, stop }, mayWait) };
}

async function run(parts: ExecuteParts, running: RunningJob, mayWait: () => boolean): Promise<void> {
  const { job, stop } = running;
  const handler = parts.registry.find(job.task, job.task_version);
  if (handler === undefined)
    throw new Error(`claimed a job of an unknown task ${job.task}@${job.task_version}`);
  parts.writer.open(job);
  const soft = setTimeout(() => stop("timed_out"), handler.task.softLimitMs);
  try {
    const end = await runToEnd(parts, running, handler);
    if (end !== undefined) await recordEnd(parts, running, end, mayWait);
  } finally {
    clearTimeout(soft);
    parts.writer.close(job);
  }
}

async function runToEnd(
  parts: ExecuteParts,
  running: RunningJob,
  handler: AnyTaskHandler,
): Promise<AttemptEnd | undefined> {
  const { job, signal } = running;
  const tried = { task: handler.task, attempt: job.attempt, maxAttempts: job.max_attempts };
  const knife = untilForced(handler.task.hardLimitMs, signal);
  try {
    const context = createJobContext(parts, running);
    // Started in a then, so that a handler that throws at once is caught like any other.
    const output = await Promise.race([Promise.resolve(context).then(handler.run), knife.forced]);
    return { outcome: "succeeded", output };
  } catch (error) {
    const mayBeFree = !signal.aborted && job.fence < maxFenceOfFreeTries;
    if (mayBeFree && (await isDatabaseTrouble(error, parts.database))) {
      parts.logger.warn(
        { jobId: job.id, task: job.task },
        "the database failed under a job; it goes on later",
      );
      return { outcome: "snoozed", delayMs: troubleWaitMs * (0.5 + Math.random()) };
    }
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
 * when the lease is lost (the job is then another's), and soon after the process was told to stop.
 */
async function recordEnd(
  parts: ExecuteParts,
  running: RunningJob,
  end: AttemptEnd,
  mayWait: () => boolean,
): Promise<void> {
  const { job, signal } = running;
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      const isOurs = await parts.writer.writeEnd(job, (pending) =>
        withWriteScope(parts.database, (scope) =>
          finishAttempt(scope, parts, job, {
            end,
            writeFirst: () => writePending(scope, parts.bus, [pending]),
          }),
        ),
      );
      if (!isOurs) parts.onStaleWrite();
      return;
    } catch (error) {
      const isLost = signal.aborted && stopReason(signal) === "lease_lost";
      if (isLost) return;
      if (!mayPassLater(error)) {
        parts.logger.error({ err: toError(error), jobId: job.id }, "the end of a job could not be recorded");
        // Also the plain failure was refused: the lease runs out, and the job is taken back.
        if (end.outcome === "failed") return;
        return await recordEnd(parts, running, unrecordable(error), mayWait);
      }
      if (!mayWait()) return;
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

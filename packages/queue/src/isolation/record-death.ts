import { toError } from "@millrace/kernel";
import type { MillraceError } from "@millrace/kernel";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { recordCrashAlone } from "../jobs/record-crash-alone.ts";
import type { AttemptStop } from "../worker/attempt-stop.ts";
import { mayPassLater } from "../worker/database-trouble.ts";
import { decideEnd } from "../worker/decide-end.ts";
import type { ExecuteParts } from "../worker/execution.ts";
import { recordEnd } from "../worker/record-end.ts";
import { jobOutOfMemory, sharedProcessDied } from "./isolation-errors.ts";
import type { ChildRun } from "./job-child.ts";
import { recordSharedDeath } from "./record-shared-death.ts";

/** A process that can't be started may be for want of memory or of a file that is being replaced. */
const notStartedWaitMs = 10_000;

type Death = Exclude<ChildRun, { readonly kind: "done" }> & { readonly ceilingMegabytes: number };

/**
 * Records what became of a job whose process ended without a word. Only a death that is the job's own
 * doing is a crash: not one on our order, not one before the job was given to it, and not one in a
 * process where other jobs were before. Never rejects.
 */
export async function recordDeath(
  parts: ExecuteParts,
  job: ClaimedJob,
  death: Death,
  attempt: AttemptStop,
): Promise<void> {
  const facts = { jobId: job.id, task: job.task, ended: death.ended, stopped: attempt.reason };
  if (attempt.reason !== undefined) {
    parts.logger.warn(facts, "a job that was told to stop ended with its process");
    return await recordFailure(parts, job, { isBegun: death.kind !== "not_started" }, attempt);
  }
  if (death.kind === "not_started") {
    parts.logger.error(facts, "a job's own process did not start; it is tried again later");
    return await recordEnd(parts, job, { outcome: "snoozed", delayMs: notStartedWaitMs }, attempt);
  }
  parts.logger.warn(facts, "a job's own process died");
  const outOfMemory = death.kind === "out_of_memory" ? jobOutOfMemory(death.ceilingMegabytes) : undefined;
  if (death.wasShared) {
    const error = outOfMemory ?? sharedProcessDied(death.ended);
    return await recordCrash(parts, job, (by) => recordSharedDeath(by, job, error));
  }
  const isIsolated = parts.registry.find(job.task, job.task_version)?.task.isolation !== undefined;
  if (outOfMemory !== undefined && isIsolated)
    return await recordFailure(parts, job, { error: outOfMemory, isBegun: true }, attempt);
  // Without isolation a mere failure would be tried again in the worker's own process, and kill that.
  const ended = outOfMemory === undefined ? death.ended : `more than ${death.ceilingMegabytes} MB of memory`;
  await recordCrash(parts, job, (by) => recordCrashAlone(by, job, ended));
}

async function recordFailure(
  parts: ExecuteParts,
  job: ClaimedJob,
  { error, isBegun }: { readonly error?: MillraceError; readonly isBegun: boolean },
  attempt: AttemptStop,
): Promise<void> {
  const task = parts.registry.find(job.task, job.task_version)?.task;
  if (task === undefined) return;
  const tried = { task, attempt: job.attempt, maxAttempts: job.max_attempts };
  const end = decideEnd(error, attempt.reason, tried);
  if (end === undefined) return;
  await recordEnd(parts, job, end.outcome === "handed_back" ? { ...end, isBegun } : end, attempt);
}

async function recordCrash(
  parts: ExecuteParts,
  job: ClaimedJob,
  record: (by: ExecuteParts & { readonly skipsHook?: boolean }) => Promise<void>,
): Promise<void> {
  const log = (error: unknown): void =>
    // Its lease runs out, and the reaper takes it back uncounted.
    parts.logger.error({ err: toError(error), jobId: job.id }, "the crash of a job could not be recorded");
  try {
    await record(parts);
  } catch (error) {
    log(error);
    if (mayPassLater(error)) return;
    // Uncounted it would crash for ever: better an end without what the task's hook writes.
    await record({ ...parts, skipsHook: true }).catch(log);
  }
}

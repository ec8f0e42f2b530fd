import { toError } from "@millrace/kernel";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { recordCrashAlone } from "../jobs/record-crash-alone.ts";
import type { AttemptStop } from "../worker/attempt-stop.ts";
import { mayPassLater } from "../worker/database-trouble.ts";
import { decideEnd } from "../worker/decide-end.ts";
import type { ExecuteParts } from "../worker/execution.ts";
import { recordEnd } from "../worker/record-end.ts";

/** A process that can't be started may be for want of memory or of a file that is being replaced. */
const notStartedWaitMs = 10_000;

/**
 * Records what became of a job whose own process ended without a word. Only a death that is the
 * job's own doing is a crash: not one on our order, and not one before the job was given to it.
 * Never rejects.
 */
export async function recordDeath(
  parts: ExecuteParts,
  job: ClaimedJob,
  death: { readonly wasGivenJob: boolean; readonly ended: string },
  attempt: AttemptStop,
): Promise<void> {
  const facts = { jobId: job.id, task: job.task, ended: death.ended, stopped: attempt.reason };
  const wasToldToStop = attempt.reason !== undefined && attempt.reason !== "timed_out";
  if (!death.wasGivenJob && !wasToldToStop) {
    parts.logger.error(facts, "a job's own process did not start; it is tried again later");
    return await recordEnd(parts, job, { outcome: "snoozed", delayMs: notStartedWaitMs }, attempt);
  }
  parts.logger.warn(facts, "a job's own process died");
  if (attempt.reason === undefined) return await recordCrash(parts, job, death.ended);
  const task = parts.registry.find(job.task, job.task_version)?.task;
  if (task === undefined) return;
  const tried = { task, attempt: job.attempt, maxAttempts: job.max_attempts };
  const end = decideEnd(undefined, attempt.reason, tried);
  if (end !== undefined) await recordEnd(parts, job, end, attempt);
}

async function recordCrash(parts: ExecuteParts, job: ClaimedJob, ended: string): Promise<void> {
  const log = (error: unknown): void =>
    // Its lease runs out, and the reaper takes it back uncounted.
    parts.logger.error({ err: toError(error), jobId: job.id }, "the crash of a job could not be recorded");
  try {
    await recordCrashAlone(parts, job, ended);
  } catch (error) {
    log(error);
    if (mayPassLater(error)) return;
    // Uncounted it would crash for ever: better an end without what the task's hook writes.
    await recordCrashAlone({ ...parts, skipsHook: true }, job, ended).catch(log);
  }
}

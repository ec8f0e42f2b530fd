import { inspect } from "node:util";
import { jsonText } from "@millrace/database";
import { isMillraceError, toError } from "@millrace/kernel";
import { ownStream } from "../events/append-events.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { keptDays } from "../retention/kept-days.ts";
import { collectSecrets, scrubText } from "../tasks/redact.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { AttemptLimits } from "./attempt-limits.ts";
import { AttemptStop } from "./attempt-stop.ts";
import { createJobContext } from "./create-job-context.ts";
import { isDatabaseTrouble } from "./database-trouble.ts";
import { decideEnd } from "./decide-end.ts";
import type { ExecuteParts, Execution, RunJob } from "./execution.ts";
import { traceAttempt } from "../observe/spans.ts";
import type { AttemptSpan } from "../observe/spans.ts";
import { logLine } from "./pending-writes.ts";
import { recordEnd } from "./record-end.ts";

/** After the database failed under a job: long enough for a restart, short for who waits. Jittered by half. */
const troubleWaitMs = 2_000;
/**
 * A claim and a requeue each add one to the fence. After about 150 tries that the database spoiled,
 * further ones count: a statement that can never work must not run for ever.
 */
const maxFenceOfFreeTries = 300;
/** A task that this process can't run goes to another that can; soon enough, and not in a tight loop. */
const unknownTaskWaitMs = 10_000;

export type ExecuteOptions = {
  /** Runs the job instead of its task's handler. */
  readonly run?: RunJob | undefined;
  /** Called when the handler has ended and only its end is to be recorded. */
  readonly onRan?: () => void;
};

/** Runs one claimed job to the end of its attempt. */
export function executeJob(parts: ExecuteParts, job: ClaimedJob, options: ExecuteOptions = {}): Execution {
  const attempt = new AttemptStop();
  const done = traceAttempt(job, (span) => execute(parts, { job, attempt, options }, span));
  return { job, stop: (reason) => attempt.stop(reason), done };
}

type Running = {
  readonly job: ClaimedJob;
  readonly attempt: AttemptStop;
  readonly options: ExecuteOptions;
};

async function execute(parts: ExecuteParts, running: Running, span: AttemptSpan): Promise<void> {
  const { job, attempt } = running;
  const handler = parts.registry.find(job.task, job.task_version);
  if (handler === undefined) {
    parts.logger.error(
      { jobId: job.id, task: job.task, version: job.task_version },
      "a job of an unknown task",
    );
    return await recordEnd(parts, job, { outcome: "snoozed", delayMs: unknownTaskWaitMs }, attempt);
  }
  parts.writer.open(job);
  try {
    const end = await runToEnd(parts, running, handler);
    running.options.onRan?.();
    if (end === undefined) return;
    span.ended(end.outcome, "error" in end ? end.error : undefined);
    const isRecorded = end.outcome === "succeeded" && (await recordSuccess(parts, job, handler, end.output));
    if (!isRecorded) await recordEnd(parts, job, end, attempt);
  } finally {
    parts.writer.close(job);
  }
}

/**
 * Records a success together with those of other jobs, where nothing else is to be written with it.
 * False when that is not so, or did not work: then it is recorded by itself.
 */
async function recordSuccess(
  { successes, writer }: ExecuteParts,
  job: ClaimedJob,
  { task, onEnd }: AnyTaskHandler,
  output: unknown,
): Promise<boolean> {
  const isPlain = onEnd === undefined && job.stream === ownStream(job.id) && !writer.hasHeard(job);
  if (successes === undefined || !isPlain) return false;
  const { id, fence } = job;
  const days = job.workflow_id === null ? keptDays(task, "succeeded") : null;
  const success = { id, fence, job, output: jsonText(output), keptDays: days };
  try {
    return await successes.record(success);
  } catch {
    return false;
  }
}

async function runToEnd(
  parts: ExecuteParts,
  { job, attempt, options }: Running,
  handler: AnyTaskHandler,
): Promise<AttemptEnd | undefined> {
  const { task } = handler;
  const secrets = collectSecrets(task, job.input);
  const run = async (): Promise<unknown> => {
    const input = handler.readInput(job.input);
    const context = createJobContext(parts, { job, input, attempt, softLimitMs: task.softLimitMs, secrets });
    // Not before the caller has entered it among what it holds.
    await Promise.resolve();
    return await (options.run ?? handler.run)(context, attempt);
  };
  const limits = new AttemptLimits(task, attempt);
  try {
    return { outcome: "succeeded", output: await limits.hold(run) };
  } catch (error) {
    const mayBeFree = attempt.reason === undefined && job.fence < maxFenceOfFreeTries;
    if (mayBeFree && (await isDatabaseTrouble(error, parts.database))) {
      parts.logger.warn(
        { jobId: job.id, task: job.task },
        "the database failed under a job; it goes on later",
      );
      return { outcome: "snoozed", delayMs: troubleWaitMs * (0.5 + Math.random()) };
    }
    if (isMillraceError(error) && error.code === "lease_lost") parts.onStaleWrite(job);
    const { attempt: number, max_attempts: maxAttempts } = job;
    const end = decideEnd(error, attempt.reason, { task, attempt: number, maxAttempts, secrets });
    const isExpected = attempt.reason !== undefined || end === undefined || end.outcome !== "failed";
    if (isExpected) return end;
    parts.logger.warn({ err: toError(error), jobId: job.id, task: job.task }, "a job's attempt failed");
    if (task.showErrors && !isMillraceError(error)) {
      parts.writer.log(job, logLine("error", scrubText(inspect(error), secrets)));
    }
    return end;
  } finally {
    limits.clear();
  }
}

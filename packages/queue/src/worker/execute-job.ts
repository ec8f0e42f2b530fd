import { jsonText } from "@millrace/database";
import { isMillraceError, toError } from "@millrace/kernel";
import { timedOut } from "../errors.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { keptDays } from "../retention/kept-days.ts";
import { collectSecrets } from "../tasks/redact.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { AttemptStop } from "./attempt-stop.ts";
import { createJobContext } from "./create-job-context.ts";
import { isDatabaseTrouble } from "./database-trouble.ts";
import { decideEnd } from "./decide-end.ts";
import type { ExecuteParts, Execution, RunJob } from "./execution.ts";
import { traceAttempt } from "../observe/spans.ts";
import type { AttemptSpan } from "../observe/spans.ts";
import { recordEnd } from "./record-end.ts";

/** A handler that was told to stop gets this long before its attempt ends without it. */
const stopGraceMs = 5_000;

/** After the database failed under a job: long enough for a restart, short for who waits. Jittered by half. */
const troubleWaitMs = 2_000;
/**
 * A claim and a requeue each add one to the fence. After about 150 tries that the database spoiled,
 * further ones count: a statement that can never work must not run for ever.
 */
const maxFenceOfFreeTries = 300;
/** A task that this process can't run goes to another that can; soon enough, and not in a tight loop. */
const unknownTaskWaitMs = 10_000;

/** Runs one claimed job to the end of its attempt, with its task's handler unless `run` is given. */
export function executeJob(parts: ExecuteParts, job: ClaimedJob, run?: RunJob): Execution {
  const attempt = new AttemptStop();
  const ran = Promise.withResolvers<void>();
  const running = { job, attempt, run, onRan: ran.resolve };
  const done = traceAttempt(job, (span) => execute(parts, running, span)).finally(ran.resolve);
  return { job, stop: (reason) => attempt.stop(reason), ran: ran.promise, done };
}

type Running = {
  readonly job: ClaimedJob;
  readonly attempt: AttemptStop;
  readonly run: RunJob | undefined;
  readonly onRan: () => void;
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
  const soft = setTimeout(() => attempt.stop("timed_out"), handler.task.softLimitMs);
  try {
    const end = await runToEnd(parts, running, handler);
    clearTimeout(soft);
    running.onRan();
    if (end === undefined) return;
    span.ended(end.outcome, "error" in end ? end.error : undefined);
    const isRecorded = end.outcome === "succeeded" && (await recordSuccess(parts, job, handler, end.output));
    if (!isRecorded) await recordEnd(parts, job, end, attempt);
  } finally {
    clearTimeout(soft);
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
  // An attempt that was not counted may have left progress, which is full with the end.
  const isFirstClaim = job.fence === 1;
  const isPlain =
    onEnd === undefined && isFirstClaim && job.stream === `job:${job.id}` && !writer.hasHeard(job);
  if (successes === undefined || !isPlain) return false;
  const { id, fence } = job;
  const success = { id, fence, job, output: jsonText(output), keptDays: keptDays(task, "succeeded") };
  try {
    return await successes.record(success);
  } catch {
    return false;
  }
}

async function runToEnd(
  parts: ExecuteParts,
  { job, attempt, run }: Running,
  handler: AnyTaskHandler,
): Promise<AttemptEnd | undefined> {
  const secrets = collectSecrets(handler.task, job.input);
  const tried = { task: handler.task, attempt: job.attempt, maxAttempts: job.max_attempts, secrets };
  const knife = untilForced(handler.task.hardLimitMs, attempt);
  try {
    const context = createJobContext(parts, {
      job,
      attempt,
      softLimitMs: handler.task.softLimitMs,
      secrets,
    });
    // Started in a then, so that a handler that throws at once is caught like any other.
    const output = await Promise.race([Promise.resolve(context).then(run ?? handler.run), knife.forced]);
    return { outcome: "succeeded", output };
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
    const end = decideEnd(error, attempt.reason, tried);
    const isExpected = attempt.reason !== undefined || end === undefined || end.outcome !== "failed";
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
  attempt: AttemptStop,
): { forced: Promise<never>; clear: () => void } {
  const timers: NodeJS.Timeout[] = [];
  const forced = new Promise<never>((_resolve, reject) => {
    timers.push(setTimeout(() => reject(timedOut()), hardLimitMs));
    attempt.onStop((reason) => {
      const graceMs = reason === "lease_lost" ? 0 : stopGraceMs;
      // A soft limit leaves the handler until the hard one.
      if (reason !== "timed_out")
        timers.push(setTimeout(() => reject(toError(attempt.signal.reason)), graceMs));
    });
  });
  // Nobody may be waiting any more when it rejects.
  forced.catch(() => undefined);
  return { forced, clear: () => timers.forEach((timer) => clearTimeout(timer)) };
}

import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { collectSecrets } from "../tasks/redact.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { AttemptLimits } from "./attempt-limits.ts";
import { AttemptStop } from "./attempt-stop.ts";
import { createJobContext } from "./create-job-context.ts";
import { endThatThrew, plainSuccess } from "./attempt-end.ts";
import type { AwaitedExecution, ExecuteParts, ExecutionListener } from "./execution.ts";
import { traceAttempt } from "../observe/spans.ts";
import type { AttemptSpan } from "../observe/spans.ts";
import { recordEnd } from "./record-end.ts";
import type { Success } from "./success-recorder.ts";

/** A task that this process can't run goes to another that can; soon enough, and not in a tight loop. */
const unknownTaskWaitMs = 10_000;

/** Runs one claimed job to the end of its attempt. */
export function executeJob(
  parts: ExecuteParts,
  job: ClaimedJob,
  listener?: Pick<ExecutionListener, "ran">,
): AwaitedExecution {
  const attempt = new AttemptStop();
  const done = traceAttempt(job, (span) => execute(parts, { job, attempt, listener }, span));
  return { job, stop: (reason) => attempt.stop(reason), done };
}

type Running = {
  readonly job: ClaimedJob;
  readonly attempt: AttemptStop;
  readonly listener: Pick<ExecutionListener, "ran"> | undefined;
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
    running.listener?.ran(job);
    if (end === undefined) return;
    span.ended(end.outcome, "error" in end ? end.error : undefined);
    const success = end.outcome === "succeeded" ? plainSuccess(parts, job, handler, end.output) : undefined;
    const isRecorded = success !== undefined && (await recordPlain(parts, success));
    if (!isRecorded) await recordEnd(parts, job, end, attempt);
  } finally {
    parts.writer.close(job);
  }
}

/** False when it was not recorded, or may not have been. */
async function recordPlain({ successes }: ExecuteParts, success: Success): Promise<boolean> {
  try {
    return (await successes?.record(success)) ?? false;
  } catch {
    return false;
  }
}

async function runToEnd(
  parts: ExecuteParts,
  { job, attempt }: Running,
  handler: AnyTaskHandler,
): Promise<AttemptEnd | undefined> {
  const { task } = handler;
  const secrets = collectSecrets(task, job.input);
  let isBegun = false;
  const run = async (): Promise<unknown> => {
    const input = handler.readInput(job.input);
    const context = createJobContext(parts, { job, input, attempt, softLimitMs: task.softLimitMs, secrets });
    // Not before the caller has entered it among what it holds.
    await Promise.resolve();
    // Told to stop before it began: what it did until it hears of that would be done twice.
    if (attempt.aborted !== undefined) throw attempt.aborted;
    isBegun = true;
    return await handler.run(context);
  };
  const limits = new AttemptLimits(task, attempt);
  try {
    return { outcome: "succeeded", output: await limits.hold(run) };
  } catch (error) {
    return await endThatThrew(parts, { job, attempt, task, secrets, isBegun }, error);
  } finally {
    limits.clear();
  }
}

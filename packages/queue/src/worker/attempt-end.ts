import { inspect } from "node:util";
import { jsonText } from "@millrace/database";
import { isMillraceError, toError } from "@millrace/kernel";
import { ownStream } from "../events/append-events.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { keptDays } from "../retention/kept-days.ts";
import { scrubText } from "../tasks/redact.ts";
import type { AnyTaskHandler, Task } from "../tasks/task.ts";
import type { AttemptStop } from "./attempt-stop.ts";
import { isDatabaseTrouble } from "./database-trouble.ts";
import { decideEnd } from "./decide-end.ts";
import type { ExecuteParts } from "./execution.ts";
import { logLine } from "./pending-writes.ts";
import type { Success } from "./success-recorder.ts";

/** After the database failed under a job: long enough for a restart, short for who waits. Jittered by half. */
const troubleWaitMs = 2_000;
/**
 * A claim and a requeue each add one to the fence. After about 150 tries that the database spoiled,
 * further ones count: a statement that can never work must not run for ever.
 */
const maxFenceOfFreeTries = 300;

type Attempted = {
  readonly job: ClaimedJob;
  readonly attempt: AttemptStop;
  readonly task: Task;
  /** What its log must not say. */
  readonly secrets: readonly string[];
  /** Whether its handler was called. */
  readonly isBegun: boolean;
};

/** How an attempt ends that threw; undefined when it is no longer ours to end. Says so in the log. */
export async function endThatThrew(
  parts: ExecuteParts,
  { job, attempt, task, secrets, isBegun }: Attempted,
  error: unknown,
): Promise<AttemptEnd | undefined> {
  const mayBeFree = attempt.reason === undefined && job.fence < maxFenceOfFreeTries;
  if (mayBeFree && (await isDatabaseTrouble(error, parts.database))) {
    parts.logger.warn({ jobId: job.id, task: job.task }, "the database failed under a job; it goes on later");
    return { outcome: "snoozed", delayMs: troubleWaitMs * (0.5 + Math.random()) };
  }
  if (isMillraceError(error) && error.code === "lease_lost") parts.onStaleWrite(job);
  const { attempt: number, max_attempts: maxAttempts } = job;
  const end = decideEnd(error, attempt.reason, { task, attempt: number, maxAttempts, secrets });
  if (end?.outcome === "handed_back" && !isBegun) return { ...end, isBegun };
  const isExpected = attempt.reason !== undefined || end === undefined || end.outcome !== "failed";
  if (isExpected) return end;
  parts.logger.warn({ err: toError(error), jobId: job.id, task: job.task }, "a job's attempt failed");
  if (task.showErrors && !isMillraceError(error)) {
    parts.writer.log(job, logLine("error", scrubText(inspect(error), secrets)));
  }
  return end;
}

/**
 * A success where nothing else is to be written with it, so that it can be recorded together with those of
 * other jobs; undefined when that is not so.
 */
export function plainSuccess(
  { successes, writer }: ExecuteParts,
  job: ClaimedJob,
  { task, onEnd }: AnyTaskHandler,
  output: unknown,
): Success | undefined {
  const isPlain = onEnd === undefined && job.stream === ownStream(job.id) && !writer.hasHeard(job);
  if (successes === undefined || !isPlain) return undefined;
  const { id, fence } = job;
  const days = job.workflow_id === null ? keptDays(task, "succeeded") : null;
  return { id, fence, job, output: jsonText(output), keptDays: days };
}

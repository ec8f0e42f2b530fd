import { isMillraceError } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";
import { jobTimedOut } from "../errors.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { Backoff, Task } from "../tasks/task.ts";
import { JobEnding } from "./job-ending.ts";
import { storedError } from "./stored-error.ts";

type Tried = { readonly task: Task; readonly attempt: number; readonly maxAttempts: number };

/**
 * What a thrown error means for the job, or undefined when the attempt no longer holds it and must
 * write nothing. `stopped` says why the attempt was told to stop, if it was. `random` gives 0
 * (included) to 1, for the jitter.
 */
export function decideEnd(
  thrown: unknown,
  stopped: StopReason | undefined,
  tried: Tried,
  random: () => number = Math.random,
): AttemptEnd | undefined {
  if (isMillraceError(thrown) && thrown.code === "lease_lost") return undefined;
  if (stopped === "lease_lost") return undefined;
  if (stopped === "cancelled") return { outcome: "cancelled" };
  if (stopped === "shutdown") return { outcome: "handed_back" };
  if (stopped === "timed_out") {
    return { outcome: "timed_out", error: jobTimedOut, retryInMs: nextTry(tried, random) };
  }
  if (thrown instanceof JobEnding) return chosenEnd(thrown, tried);
  const error = storedError(thrown);
  const isFinal = isMillraceError(thrown) && !thrown.retryable;
  if (isFinal) return { outcome: "failed", error, retryInMs: undefined };
  const askedMs = isMillraceError(thrown) ? (thrown.retryAfterSeconds ?? 0) * 1000 : 0;
  const waitMs = nextTry(tried, random);
  return {
    outcome: "failed",
    error,
    retryInMs: waitMs === undefined ? undefined : Math.max(waitMs, askedMs),
  };
}

function chosenEnd(thrown: JobEnding, tried: Tried): AttemptEnd {
  switch (thrown.ending.kind) {
    case "snooze":
      return { outcome: "snoozed", delayMs: thrown.ending.delayMs };
    case "cancel":
      return { outcome: "cancelled" };
    case "retry_after":
      return {
        outcome: "failed",
        error: storedError(thrown),
        retryInMs: tried.attempt < tried.maxAttempts ? thrown.ending.delayMs : undefined,
      };
  }
}

function nextTry({ task, attempt, maxAttempts }: Tried, random: () => number): number | undefined {
  if (attempt >= maxAttempts) return undefined;
  // A person's retry adds a fresh set of tries to those that were made: the waits begin anew with it.
  const earlierTries = maxAttempts - task.retries - 1;
  return backoffMs(task.backoff, Math.max(1, attempt - earlierTries), random);
}

/**
 * Exponential wait with full jitter: anything from 0 to the cap of this try, so that jobs that
 * failed together do not come back together (AWS Architecture Blog, "Exponential Backoff And
 * Jitter", 2015). `failures` counts from 1.
 */
export function backoffMs(backoff: Backoff, failures: number, random: () => number): number {
  const seconds = Math.min(backoff.capSeconds, backoff.firstSeconds * backoff.factor ** (failures - 1));
  return Math.round(random() * seconds * 1000);
}

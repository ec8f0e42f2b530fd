import { isMillraceError, putOffSeconds, toError } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";
import { jobTimedOut, timedOut } from "../errors.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import { scrubText } from "../tasks/redact.ts";
import type { Backoff, RetryRule, Task } from "../tasks/task.ts";
import { JobEnding, maxDelayMs } from "./job-ending.ts";
import { storedError } from "./stored-error.ts";
import type { StoredError } from "./stored-error.ts";

type Tried = {
  readonly task: Task;
  readonly attempt: number;
  readonly maxAttempts: number;
  /** What errors must not say: see `collectSecrets`. Default nothing. */
  readonly secrets?: readonly string[];
};

/**
 * The other side's word is followed for no longer than an hour: a provider that asks for a day, or
 * for 10⁹ seconds, would bury the job. Waits that the program itself chooses are not cut.
 */
const maxRetryAfterSeconds = 3600;
/** As the other side asked, and up to this share later: all who heard the same must not return at once. */
const retryAfterSpread = 0.1;
/** However soon a job that is put off could go on: each look at it costs a claim. */
const leastPutOffSeconds = 1;
/** A tenth of a short wait would bring all back at once. */
const leastPutOffSpreadSeconds = 1;

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
    return { outcome: "timed_out", error: jobTimedOut, retryInMs: retryWait(timedOut(), tried, random) };
  }
  if (thrown instanceof JobEnding) return chosenEnd(thrown, tried);
  const delayMs = putOffWait(thrown, tried, random);
  if (delayMs !== undefined)
    return { outcome: "snoozed", delayMs, why: shownError(thrown, tried), isTold: true };
  return { outcome: "failed", error: shownError(thrown, tried), retryInMs: retryWait(thrown, tried, random) };
}

/** How long until the next look after what is nobody's failure; undefined for anything else, or when a rule decides. */
function putOffWait(thrown: unknown, { task, attempt }: Tried, random: () => number): number | undefined {
  const asked = putOffSeconds(thrown);
  if (asked === undefined || !(asked >= 0)) return undefined;
  if (askRule(task, thrown, attempt) !== undefined) return undefined;
  const seconds = Math.min(Math.max(leastPutOffSeconds, asked), maxRetryAfterSeconds);
  const later = random() * Math.max(leastPutOffSpreadSeconds, seconds * retryAfterSpread);
  return Math.ceil((seconds + later) * 1000);
}

function chosenEnd(thrown: JobEnding, tried: Tried): AttemptEnd {
  switch (thrown.ending.kind) {
    case "snooze":
      return {
        outcome: "snoozed",
        delayMs: thrown.ending.delayMs,
        why: { code: "snoozed", message: scrubText(thrown.message, tried.secrets ?? []) },
      };
    case "cancel":
      return { outcome: "cancelled" };
    case "wait":
      return { outcome: "snoozed", question: thrown.ending.question };
    case "retry_after":
      return {
        outcome: "failed",
        error: shownError(thrown, tried),
        retryInMs: tried.attempt < tried.maxAttempts ? thrown.ending.delayMs : undefined,
      };
  }
}

function shownError(thrown: unknown, { task, secrets = [] }: Tried): StoredError {
  const { code, message } = storedError(thrown, task);
  return { code, message: scrubText(message, secrets) };
}

/**
 * How long until the next try, or undefined when there is none: the tries are used up, the task's
 * own rule says no, or there is no rule and the error says that it would come again.
 */
function retryWait(thrown: unknown, tried: Tried, random: () => number): number | undefined {
  const { task, attempt, maxAttempts } = tried;
  if (attempt >= maxAttempts) return undefined;
  const chosen = askRule(task, thrown, attempt);
  if (chosen === false) return undefined;
  if (typeof chosen === "object") return Math.min(Math.max(0, chosen.delayMs), maxDelayMs);
  const isFinal = isMillraceError(thrown) && !thrown.retryable;
  if (isFinal && chosen !== true) return undefined;
  return Math.max(usualWaitMs(tried, random), askedWaitMs(thrown, task.backoff, random));
}

/** A rule that breaks must not keep the end of the attempt from being written: the usual one holds then. */
function askRule(task: Task, thrown: unknown, attempt: number): ReturnType<RetryRule> {
  try {
    const chosen = task.retryOn?.(thrown, attempt);
    if (typeof chosen === "object" && !Number.isFinite(chosen.delayMs)) {
      throw new TypeError(`its delayMs is ${chosen.delayMs}`);
    }
    return chosen;
  } catch (error) {
    process.emitWarning(`retryOn of ${task.name} failed, the usual rule holds: ${toError(error).message}`);
    return undefined;
  }
}

function usualWaitMs({ task, attempt, maxAttempts }: Tried, random: () => number): number {
  // A person's retry adds a fresh set of tries to those that were made: the waits begin anew with it.
  const earlierTries = maxAttempts - task.retries - 1;
  return backoffMs(task.backoff, Math.max(1, attempt - earlierTries), random);
}

/** What `Retry-After` asks for. 0 when nobody asked. */
function askedWaitMs(thrown: unknown, { jitter }: Backoff, random: () => number): number {
  const asked = isMillraceError(thrown) ? (thrown.retryAfterSeconds ?? 0) : 0;
  if (!(asked > 0)) return 0;
  const spread = jitter === "full" ? random() * retryAfterSpread : 0;
  return Math.round(Math.min(asked, maxRetryAfterSeconds) * (1 + spread) * 1000);
}

/**
 * The wait after so many failures, counted from 1. With full jitter anything from 0 to that, so that
 * jobs that failed together do not come back together (AWS Architecture Blog, "Exponential Backoff
 * And Jitter", 2015).
 */
export function backoffMs(backoff: Backoff, failures: number, random: () => number): number {
  // Not Infinity, which a first wait of 0 would make into NaN.
  const growth = Math.min(backoff.factor ** (failures - 1), Number.MAX_VALUE);
  const seconds = Math.min(backoff.capSeconds, backoff.firstSeconds * growth);
  return Math.round((backoff.jitter === "full" ? random() : 1) * seconds * 1000);
}

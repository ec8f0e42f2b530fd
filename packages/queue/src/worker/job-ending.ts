import { MillraceError } from "@millrace/kernel";
import type { Question } from "../waiting/question.ts";

/**
 * What a handler throws to end in another way than failing: a snooze (later, not counted), a
 * retry-after (later, counted, at a time of its choosing), a cancel (never again), or a wait (when there is
 * an answer, not counted; `context.waitFor` throws it).
 */
export class JobEnding extends Error {
  readonly ending:
    | { readonly kind: "snooze"; readonly delayMs: number }
    | { readonly kind: "retry_after"; readonly delayMs: number; readonly code: string }
    | { readonly kind: "cancel" }
    | { readonly kind: "wait"; readonly question: Question };

  constructor(ending: JobEnding["ending"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "JobEnding";
    this.ending = ending;
  }
}

/**
 * Throw this to free the slot and run again later, in milliseconds from now; the attempt is not
 * counted. Throws `invalid_delay` when that is no time, or more than a year.
 */
export function snooze(delayMs: number, message: string): JobEnding {
  assertDelay(delayMs);
  return new JobEnding({ kind: "snooze", delayMs }, message);
}

/**
 * Throw this to fail the attempt and choose when the next one comes, exactly, as long as tries are
 * left. Throws `invalid_delay` when that is no time, or more than a year.
 */
export function retryAfter(options: {
  delayMs: number;
  code: string;
  message: string;
  cause?: unknown;
}): JobEnding {
  assertDelay(options.delayMs);
  return new JobEnding(
    { kind: "retry_after", delayMs: options.delayMs, code: options.code },
    options.message,
    options.cause,
  );
}

/** Throw this to end the job as cancelled. */
export function cancelThisJob(message: string): JobEnding {
  return new JobEnding({ kind: "cancel" }, message);
}

export const maxDelayMs = 365 * 24 * 3600 * 1000;

/** An uncounted snooze of NaN, from a header that was not there, would spin for ever. */
function assertDelay(delayMs: number): void {
  if (delayMs >= 0 && delayMs <= maxDelayMs) return;
  throw new MillraceError({
    code: "invalid_delay",
    kind: "invalid",
    message: `A job can't wait ${delayMs} ms. Give milliseconds from 0 to a year.`,
    details: { delayMs: String(delayMs) },
  });
}

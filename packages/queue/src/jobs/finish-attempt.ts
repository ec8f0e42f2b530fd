import type { Announcer } from "../brokers/broker.ts";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import { beginWait } from "../waiting/begin-wait.ts";
import type { Question } from "../waiting/question.ts";
import type { WriteScope } from "../write-scope.ts";
import { endAttempt } from "./end-attempt.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import type { LockedJob } from "./job-row.ts";
import { lockHeldJob } from "./lock-job.ts";
import { requeueJob } from "./requeue.ts";

type JobError = { readonly code: string; readonly message: string };

/** How one try came out, with what is to happen next already decided by the worker. */
export type AttemptEnd =
  | { readonly outcome: "succeeded"; readonly output: unknown }
  | {
      readonly outcome: "failed" | "timed_out";
      readonly error: JobError;
      readonly retryInMs: number | undefined;
    }
  | { readonly outcome: "cancelled" }
  | {
      readonly outcome: "snoozed";
      readonly delayMs: number;
      /** Kept with the attempt. */
      readonly why?: JobError;
      /** Those who follow the job are told why, too: what it waits for may take long. */
      readonly isTold?: boolean;
    }
  | { readonly outcome: "snoozed"; readonly question: Question }
  /** `isBegun`: whether its handler was called; default true. */
  | { readonly outcome: "handed_back"; readonly isBegun?: boolean };

/**
 * Commits the end of a try if this claim still holds the job; returns false, having written
 * nothing, when it does not. `writeFirst` writes what the job said before. A job whose cancel was
 * asked for is never tried again. `skipsHook`: see `endJob`.
 */
export async function finishAttempt(
  scope: WriteScope,
  parts: EndingParts & { readonly broker: Announcer },
  held: { readonly id: string; readonly fence: number },
  finish: {
    readonly end: AttemptEnd;
    readonly writeFirst: () => Promise<void>;
    readonly skipsHook: boolean;
  },
): Promise<boolean> {
  const { end, writeFirst, skipsHook } = finish;
  const job = await lockHeldJob(scope.transaction, held);
  if (job === undefined) return false;
  await writeFirst();
  const wouldRunAgain = end.outcome !== "succeeded" && end.outcome !== "cancelled";
  const effective: AttemptEnd = job.is_cancel_requested && wouldRunAgain ? { outcome: "cancelled" } : end;
  if (effective.outcome !== "succeeded") {
    const error = "why" in effective ? effective.why : "error" in effective ? effective.error : undefined;
    const { outcome } = effective;
    await endAttempt(scope.transaction, held, error === undefined ? { outcome } : { outcome, error });
  }
  await carryOut(scope, { ...parts, skipsHook }, job, effective);
  return true;
}

async function carryOut(
  scope: WriteScope,
  parts: EndingParts & { readonly broker: Announcer },
  job: LockedJob,
  end: AttemptEnd,
): Promise<void> {
  switch (end.outcome) {
    case "succeeded":
      return await endJob(scope, parts, job, { state: "succeeded", output: end.output });
    case "cancelled":
      return await endJob(scope, parts, job, { state: "cancelled" });
    case "snoozed":
      if ("question" in end) return await beginWait(scope, parts, job, end.question);
      await requeueJob(scope, parts, job, { why: "snooze", delayMs: end.delayMs });
      if (end.why === undefined || end.isTold !== true) return;
      return await appendEvents(scope, parts.bus, [toldOf(job, "put_off", later(end.why, end.delayMs))]);
    case "handed_back":
      return await requeueJob(scope, parts, job, { why: "handed_back", isBegun: end.isBegun });
    case "failed":
    case "timed_out":
      if (end.retryInMs === undefined)
        return await endJob(scope, parts, job, { state: "failed", error: end.error });
      await requeueJob(scope, parts, job, { why: "retry", delayMs: end.retryInMs, error: end.error });
      return await appendEvents(scope, parts.bus, [
        toldOf(job, "retry_scheduled", { attempt: job.attempt, ...later(end.error, end.retryInMs) }),
      ]);
  }
}

function toldOf(
  { stream, owner }: LockedJob,
  what: "put_off" | "retry_scheduled",
  data: NewEvent["data"],
): NewEvent {
  return { stream, owner, type: `${parseStream(stream).domain}.${what}`, data };
}

function later({ code, message }: JobError, delayMs: number) {
  return { error: message, error_code: code, retry_in_seconds: Math.round(delayMs / 1000) };
}

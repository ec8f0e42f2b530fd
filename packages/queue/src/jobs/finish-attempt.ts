import type { Announcer } from "../brokers/broker.ts";
import { appendEvents, parseStream } from "../events/append-events.ts";
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
  | { readonly outcome: "snoozed"; readonly delayMs: number }
  | { readonly outcome: "handed_back" };

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
  if (effective.outcome !== "succeeded") await endAttempt(scope.transaction, held, effective);
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
      return await requeueJob(scope, parts, job, { why: "snooze", delayMs: end.delayMs });
    case "handed_back":
      return await requeueJob(scope, parts, job, { why: "handed_back" });
    case "failed":
    case "timed_out":
      if (end.retryInMs === undefined)
        return await endJob(scope, parts, job, { state: "failed", error: end.error });
      await requeueJob(scope, parts, job, { why: "retry", delayMs: end.retryInMs, error: end.error });
      return await appendEvents(scope, parts.bus, [
        {
          stream: job.stream,
          owner: job.owner,
          type: `${parseStream(job.stream).domain}.retry_scheduled`,
          data: {
            attempt: job.attempt,
            error: end.error.message,
            error_code: end.error.code,
            retry_in_seconds: Math.round(end.retryInMs / 1000),
          },
        },
      ]);
  }
}

import type { AttemptOutcome } from "@millrace/contracts";
import { jobCrashedWorker, jobTimedOut } from "../errors.ts";
import type { JobTransition } from "../events/event.ts";

/** How the attempt came out that this transition ends; undefined for one that ends none. */
export function attemptOutcome({ type, runMs, error, attempt }: JobTransition): AttemptOutcome | undefined {
  switch (type) {
    case "succeeded":
    case "snoozed":
    case "handed_back":
    case "crashed":
      return type;
    case "waiting":
      return "snoozed";
    case "failed":
    case "retry_scheduled":
      // A job may fail without an attempt, as when one that it waits for did.
      if (runMs === undefined) return undefined;
      if (error?.code === jobCrashedWorker.code) return "crashed";
      return error?.code === jobTimedOut.code ? "timed_out" : "failed";
    case "cancelled":
      return runMs === undefined ? undefined : (attempt ?? "cancelled");
    case "enqueued":
    case "started":
    case "parked":
    case "released":
    case "due":
    case "blocked":
    case "unblocked":
    case "cancel_requested":
    case "expired":
    case "retried":
    case "answered":
      return undefined;
  }
}

import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { WriteScope } from "../write-scope.ts";
import { comebackPlaceOfOne } from "./fair-share.ts";
import type { LockedJob } from "./job-row.ts";
import { transitionOf } from "./transition.ts";

export type Requeue =
  /** The attempt is counted; it runs again after the wait. */
  | {
      readonly why: "retry";
      readonly delayMs: number;
      readonly error: { readonly code: string; readonly message: string };
    }
  /** Not counted. */
  | { readonly why: "snooze"; readonly delayMs: number }
  /** Not counted; at once. `isBegun`: whether the handler was called; default true. */
  | { readonly why: "handed_back"; readonly isBegun?: boolean | undefined }
  | { readonly why: "crashed"; readonly crashCount: number };

const types = {
  retry: "retry_scheduled",
  snooze: "snoozed",
  handed_back: "handed_back",
  crashed: "crashed",
} as const;

/**
 * Puts a locked running job back in line. The fence grows, so the former holder's writes are void. An expiry
 * is the latest time of the first start: once that has been the job does not expire.
 */
export async function requeueJob(
  scope: WriteScope,
  parts: { readonly bus: EventBus; readonly broker: Announcer },
  job: LockedJob,
  requeue: Requeue,
): Promise<void> {
  const isLater = requeue.why === "retry" || requeue.why === "snooze";
  const delayMs = isLater ? requeue.delayMs : 0;
  const error = requeue.why === "retry" ? requeue.error : undefined;
  const isBegun = requeue.why !== "handed_back" || requeue.isBegun !== false;
  const crashCount = requeue.why === "crashed" ? requeue.crashCount : job.crash_count;
  await sql`
    UPDATE job SET state = ${isLater ? "scheduled" : "queued"}, reason = ${isLater ? requeue.why : null},
           run_at = CASE WHEN ${isLater} THEN now() + ${delayMs}::double precision * interval '1 millisecond' ELSE run_at END,
           fair = CASE WHEN ${isLater} THEN fair ELSE ${comebackPlaceOfOne} END,
           attempt = ${requeue.why === "retry" ? job.attempt : job.attempt - 1},
           crash_count = ${crashCount}, runs_alone = ${requeue.why === "crashed" || (job.runs_alone && requeue.why !== "retry")},
           fence = fence + 1, worker_id = NULL, lease_until = NULL,
           expires_at = CASE WHEN NOT ${isBegun} THEN expires_at END
    WHERE id = ${job.id}`.execute(scope.transaction);
  const details = {
    ...(job.run_ms === null ? {} : { runMs: job.run_ms }),
    ...(error === undefined ? {} : { error }),
  };
  scope.afterCommit(() => {
    const state = isLater ? "scheduled" : "queued";
    parts.bus.publishTransition(transitionOf(types[requeue.why], job, state, details));
    if (!isLater) for (const hint of hintsOf([job])) parts.broker.announce(hint);
  });
}

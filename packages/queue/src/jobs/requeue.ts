import { sql } from "kysely";
import type { Broker } from "../brokers/broker.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { WriteScope } from "../write-scope.ts";
import { jobChanged } from "./enqueue.ts";
import type { LockedJob } from "./job-row.ts";

export type Requeue =
  /** The attempt is counted; it runs again after the wait. */
  | { readonly why: "retry"; readonly delayMs: number }
  /** Not counted. */
  | { readonly why: "snooze"; readonly delayMs: number }
  /** Not counted; at once. */
  | { readonly why: "handed_back" }
  | { readonly why: "crashed"; readonly crashCount: number };

/** Puts a locked running job back in line. The fence grows, so the former holder's writes are void. */
export async function requeueJob(
  scope: WriteScope,
  parts: { readonly bus: EventBus; readonly broker: Broker },
  job: LockedJob,
  requeue: Requeue,
): Promise<void> {
  const isLater = requeue.why === "retry" || requeue.why === "snooze";
  const delayMs = isLater ? requeue.delayMs : 0;
  const crashCount = requeue.why === "crashed" ? requeue.crashCount : job.crash_count;
  await sql`
    UPDATE job SET state = ${isLater ? "scheduled" : "queued"}, reason = ${isLater ? requeue.why : null},
           run_at = CASE WHEN ${isLater} THEN now() + ${delayMs}::double precision * interval '1 millisecond' ELSE run_at END,
           attempt = ${requeue.why === "retry" ? job.attempt : job.attempt - 1},
           crash_count = ${crashCount}, runs_alone = ${requeue.why === "crashed" || (job.runs_alone && requeue.why !== "retry")},
           fence = fence + 1, worker_id = NULL, lease_until = NULL
    WHERE id = ${job.id}`.execute(scope.transaction);
  scope.afterCommit(() => {
    parts.bus.publishNotice(jobChanged(job.id, job.owner, isLater ? "scheduled" : "queued"));
    if (!isLater) parts.broker.announce(job.queue);
  });
}

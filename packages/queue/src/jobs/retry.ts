import type { JobState } from "@millrace/contracts";
import { isUniqueViolation } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import { jobIsPending, jobNotFound, notRetryable } from "../errors.ts";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import { lockRetried } from "../workflows/lock-retried.ts";
import type { RetriedJobs } from "../workflows/lock-retried.ts";
import { reopenWorkflows } from "../workflows/reopen.ts";
import type { WriteScope } from "../write-scope.ts";
import type { EndingParts } from "./end-job.ts";
import { fairShares } from "./fair-share.ts";
import type { LockedJob } from "./job-row.ts";
import { transitionOf } from "./transition.ts";

export type RetryParts = EndingParts & { readonly broker: Announcer };

/** Ends from which a person may send a job back. */
export const retryableStates = ["failed", "cancelled", "expired"] as const;

/**
 * Puts a failed, cancelled or expired job back in line: the same row and input, the next attempt,
 * a fresh set of retries, a new place in its owner's line, no progress, the history and the recorded steps
 * kept. Throws `job_not_found`, `job_not_ended`, or `job_is_pending` when another has its unique key now.
 */
export async function retryJob(scope: WriteScope, parts: RetryParts, id: string): Promise<void> {
  const retried = await lockRetried(scope.transaction, {
    find: async () => [id],
    check: ([job]) => {
      if (job === undefined) throw jobNotFound(id);
      if (!isRetryable(job.state)) throw notRetryable(id, job.state);
    },
  });
  await retryLocked(scope, parts, retried);
}

export function isRetryable(state: JobState): boolean {
  return (retryableStates as readonly JobState[]).includes(state);
}

/** The same for jobs that ended without success: all of them or, with the error of one, none. Their workflows go on. */
export async function retryLocked(scope: WriteScope, parts: RetryParts, retried: RetriedJobs): Promise<void> {
  await reopenWorkflows(scope, parts, retried);
  await requeueLocked(scope, parts, [...retried.asked, ...retried.further]);
}

/** The same, whose workflows go on already. */
export async function requeueLocked(
  scope: WriteScope,
  parts: RetryParts,
  jobs: readonly LockedJob[],
): Promise<void> {
  if (jobs.length === 0) return;
  const ids = jobs.map(({ id }) => id);
  await requeue(scope, ids);
  await sql`DELETE FROM job_progress WHERE job_id = ANY(${ids}::uuid[])`.execute(scope.transaction);
  // In the order of their streams, which hooks may write to.
  for (const job of jobs.toSorted((left, right) => (left.stream < right.stream ? -1 : 1))) {
    await parts.registry
      .find(job.task, job.task_version)
      ?.onRetry(scope, { jobId: job.id, input: job.input });
  }
  await appendEvents(scope, parts.bus, jobs.map(queuedEvent));
  scope.afterCommit(() => {
    for (const job of jobs) parts.bus.publishTransition(transitionOf("retried", job, "queued"));
    for (const hint of hintsOf(jobs)) parts.broker.announce(hint);
  });
}

function queuedEvent({ id, stream, owner }: LockedJob): NewEvent {
  const { domain } = parseStream(stream);
  const data = { job_id: id, message: "Waiting for a worker" };
  return { stream, owner, type: `${domain}.queued`, data };
}

async function requeue({ transaction }: WriteScope, ids: readonly string[]): Promise<void> {
  const statement = sql<{ id: string }>`
    WITH placed AS (
      SELECT id, queue, priority, owner, row_number() OVER (ORDER BY id) AS nth FROM job
      WHERE id = ANY(${[...ids]}::uuid[]) AND NOT EXISTS (
        SELECT 1 FROM job AS other WHERE other.task = job.task AND other.unique_key = job.unique_key
          AND other.finished_at IS NULL)
    ), ${fairShares(sql`placed`)}
    UPDATE job SET state = 'queued', fair = share.fair, finished_at = NULL, purge_at = NULL, run_at = now(),
           expires_at = NULL, max_attempts = attempt + retries + 1, cancel_requested_at = NULL, crash_count = 0,
           error_code = NULL, error_message = NULL, fence = fence + 1
    FROM share WHERE job.id = share.id RETURNING job.id`;
  const [first = ""] = ids;
  const moved = await statement.execute(transaction).catch((error: unknown) => {
    // The other was not committed yet when this looked for it, or is one of these.
    throw isUniqueViolation(error, "job_unique") ? jobIsPending(first) : error;
  });
  const known = new Set(moved.rows.map(({ id }) => id));
  const stayed = ids.find((id) => !known.has(id));
  if (stayed !== undefined) throw jobIsPending(stayed);
}

import { isUniqueViolation } from "@millrace/database";
import { sql } from "kysely";
import type { Broker } from "../brokers/broker.ts";
import { jobIsPending, jobNotFound, notRetryable } from "../errors.ts";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { WriteScope } from "../write-scope.ts";
import type { EndingParts } from "./end-job.ts";
import { fairShares } from "./fair-share.ts";
import { lockJob } from "./lock-job.ts";
import { transitionOf } from "./transition.ts";

/**
 * Puts a failed, cancelled or expired job back in line: the same row and input, the next attempt,
 * a fresh set of retries, a new place in its owner's line, no progress, the history and the recorded steps
 * kept. Throws `job_not_found`, `job_not_ended`, or `job_is_pending` when another has its unique key now.
 */
export async function retryJob(
  scope: WriteScope,
  parts: EndingParts & { readonly broker: Broker },
  id: string,
): Promise<void> {
  const job = await lockJob(scope.transaction, id);
  if (job === undefined) throw jobNotFound(id);
  if (job.state !== "failed" && job.state !== "cancelled" && job.state !== "expired") {
    throw notRetryable(id, job.state);
  }
  await requeue(scope, id);
  await sql`DELETE FROM job_progress WHERE job_id = ${id}`.execute(scope.transaction);
  await parts.registry.find(job.task, job.task_version)?.onRetry(scope, { jobId: id, input: job.input });
  const { domain } = parseStream(job.stream);
  await appendEvents(scope, parts.bus, [
    {
      stream: job.stream,
      owner: job.owner,
      type: `${domain}.queued`,
      data: { job_id: id, message: "Waiting for a worker" },
    },
  ]);
  scope.afterCommit(() => {
    parts.bus.publishTransition(transitionOf("retried", job, "queued"));
    parts.broker.announce(job.queue);
  });
}

async function requeue({ transaction }: WriteScope, id: string): Promise<void> {
  const statement = sql`
    WITH placed AS (
      SELECT id, queue, priority, owner, 1 AS nth FROM job WHERE id = ${id} AND NOT EXISTS (
        SELECT 1 FROM job AS other WHERE other.task = job.task AND other.unique_key = job.unique_key
          AND other.finished_at IS NULL)
    ), ${fairShares(sql`placed`)}
    UPDATE job SET state = 'queued', fair = share.fair, finished_at = NULL, purge_at = NULL, run_at = now(),
           expires_at = NULL, max_attempts = attempt + retries + 1, cancel_requested_at = NULL, crash_count = 0,
           error_code = NULL, error_message = NULL, fence = fence + 1
    FROM share WHERE job.id = share.id RETURNING job.id`;
  const moved = await statement.execute(transaction).catch((error: unknown) => {
    // The other was not committed yet when this looked for it.
    throw isUniqueViolation(error, "job_unique") ? jobIsPending(id) : error;
  });
  if (moved.rows.length === 0) throw jobIsPending(id);
}

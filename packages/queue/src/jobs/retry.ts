import { sql } from "kysely";
import type { Broker } from "../brokers/broker.ts";
import { jobNotFound, notRetryable } from "../errors.ts";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { WriteScope } from "../write-scope.ts";
import type { EndingParts } from "./end-job.ts";
import { jobChanged } from "./enqueue.ts";
import { lockJob } from "./lock-job.ts";

/**
 * Puts a failed, cancelled or expired job back in line: the same row and input, the next attempt,
 * a fresh set of retries, no progress, the history and the recorded steps kept. Throws
 * `job_not_found` or `job_not_ended`.
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
  await sql`
    UPDATE job SET state = 'queued', finished_at = NULL, run_at = now(), expires_at = NULL,
           max_attempts = attempt + retries + 1, cancel_requested_at = NULL, crash_count = 0,
           fence = fence + 1
    WHERE id = ${id}`.execute(scope.transaction);
  await sql`DELETE FROM job_result WHERE job_id = ${id}`.execute(scope.transaction);
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
    parts.bus.publishNotice(jobChanged(id, job.owner, "queued"));
    parts.broker.announce(job.queue);
  });
}

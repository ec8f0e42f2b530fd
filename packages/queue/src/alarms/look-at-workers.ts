import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { countJobs } from "../counts/count-jobs.ts";
import { oldestWaits } from "../counts/queue-depths.ts";
import { isHeardOf } from "../worker/worker-row.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import type { AlarmThresholds } from "./alarm-thresholds.ts";
import { listQueueHolds, mayStart, workerSilenceMs } from "./look-at-queues.ts";

type WorkerPlace = {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
};

/** The process that a worker is in; two of one name are told apart. */
const placeOf = ({ host, pid }: WorkerPlace): string => `${host}/${pid}`;

/** Workers that use more memory than they should. */
export async function findLargeWorkers(
  { queryable }: QueryAccess,
  { workerMemoryBytes: threshold }: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const found = await sql<WorkerPlace & { rss_bytes: number }>`
    SELECT id, name, host, pid, rss_bytes FROM worker
    WHERE ${isHeardOf(workerSilenceMs)} AND rss_bytes > ${threshold}::double precision
    ORDER BY host, pid`.execute(queryable);
  return found.rows.map((worker) => ({
    kind: "worker_memory",
    subject: placeOf(worker),
    message: `Worker ${worker.name} (${placeOf(worker)}) uses ${inMib(worker.rss_bytes)} of memory; the threshold is ${inMib(threshold)}.`,
    details: { worker_id: worker.id, worker: worker.name, rss_bytes: worker.rss_bytes, threshold },
  }));
}

function inMib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}

/** Jobs that stand first in each queue and are looked at: behind more of other tasks nobody is idle for long. */
const jobsLookedAt = 1000;

type IdleWorker = WorkerPlace & {
  readonly processed: number;
  readonly queue: string;
  readonly seconds: number;
};

/**
 * Workers that say they live and do nothing, while a job that they know has long been due in a queue that
 * they serve, and neither a pause nor a number of jobs at once keeps it. What waits for a limit of its task
 * is parked, and is not due.
 */
export async function findIdleWorkers(
  { queryable }: QueryAccess,
  { workerIdleSeconds: threshold }: AlarmThresholds,
): Promise<AlarmCondition[]> {
  const waits = (await oldestWaits(queryable)).filter(({ seconds }) => seconds > threshold);
  if (waits.length === 0) return [];
  const [holds, counts] = [await listQueueHolds(queryable), await countJobs(queryable)];
  const queues = waits.map(({ queue }) => queue).filter((queue) => mayStart(queue, holds, counts));
  const found = await sql<IdleWorker>`
    WITH overdue AS (
      SELECT wanted.queue, head.task, min(head.run_at) AS run_at
      FROM unnest(${queues}::text[]) AS wanted (queue) CROSS JOIN LATERAL (
        SELECT job.task || '@' || job.task_version AS task, job.run_at FROM job
        WHERE job.state = 'queued' AND job.queue = wanted.queue
          AND job.run_at < now() - ${threshold}::double precision * interval '1 second'
          AND (job.expires_at IS NULL OR job.expires_at > now())
        ORDER BY job.run_at, job.id LIMIT ${jobsLookedAt}) AS head
      GROUP BY wanted.queue, head.task
    )
    SELECT DISTINCT ON (host, pid) worker.id, name, host, pid, processed, overdue.queue,
           extract(epoch FROM now() - overdue.run_at)::double precision AS seconds
    FROM worker JOIN overdue ON overdue.queue = ANY(worker.queues) AND overdue.task = ANY(worker.tasks)
    WHERE ${isHeardOf(workerSilenceMs)} AND worker.state = 'running' AND worker.running = 0
    ORDER BY host, pid, overdue.run_at`.execute(queryable);
  return found.rows.map((worker) => ({
    kind: "worker_idle",
    subject: placeOf(worker),
    message: `Worker ${worker.name} (${placeOf(worker)}) does nothing, while a job that it could run has waited in queue ${worker.queue} for ${Math.floor(worker.seconds)} s.`,
    details: {
      worker_id: worker.id,
      worker: worker.name,
      queue: worker.queue,
      seconds: Math.floor(worker.seconds),
      threshold,
      // One that ended a job since the last look is not idle: see `seenAgain`.
      processed: worker.processed,
    },
  }));
}

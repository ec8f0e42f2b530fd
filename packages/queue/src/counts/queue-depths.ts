import { isTerminal } from "@millrace/contracts";
import type { JobState } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { busyQueues } from "./busy-queues.ts";
import { countJobs } from "./count-jobs.ts";

/** How long the job that waits longest in a queue has been due. */
export type OldestWait = { readonly queue: string; readonly seconds: number };

/** The oldest wait of each queue that holds queued jobs: two looks into an index per queue. */
export async function oldestWaits(queryable: Queryable): Promise<OldestWait[]> {
  const found = await sql<OldestWait>`
    WITH RECURSIVE ${busyQueues}, oldest AS (
      SELECT queue, (
        SELECT run_at FROM job WHERE state = 'queued' AND job.queue = busy.queue ORDER BY run_at, id LIMIT 1) AS run_at
      FROM busy WHERE queue IS NOT NULL
    )
    SELECT queue, greatest(0, extract(epoch FROM now() - run_at))::double precision AS seconds
    FROM oldest ORDER BY queue`.execute(queryable);
  return found.rows;
}

export type QueueDepth = {
  readonly queue: string;
  /** Jobs that have not ended, by state; a state without any is left out. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
  /** Null when nothing is queued. */
  readonly oldestWaitSeconds: number | null;
};

/** Every queue that holds jobs, ended or not, in the order of their names, without reading the jobs. */
export async function queueDepths(queryable: Queryable): Promise<QueueDepth[]> {
  const counted = Map.groupBy(await countJobs(queryable), (count) => count.queue);
  const waits = new Map((await oldestWaits(queryable)).map(({ queue, seconds }) => [queue, seconds]));
  return [...counted].map(([queue, counts]) => {
    const open = counts.filter(({ state }) => !isTerminal(state));
    return {
      queue,
      counts: Object.fromEntries(open.map(({ state, count }) => [state, count])),
      oldestWaitSeconds: waits.get(queue) ?? null,
    };
  });
}

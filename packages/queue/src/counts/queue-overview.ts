import type { JobState } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { allQueues } from "../control/names.ts";
import { listQueueSettings } from "../control/queue-settings.ts";
import type { QueueSettings } from "../control/queue-settings.ts";
import { isHeardOf } from "../worker/worker-row.ts";
import { countJobs } from "./count-jobs.ts";
import { oldestWaits } from "./queue-depths.ts";

/** How a queue stands, or with the name `*` all of them together. */
export type QueueOverview = {
  readonly name: string;
  /** Jobs by state, ended ones included until they are purged; a state without any is left out. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
  /** Null when nothing is queued. */
  readonly oldestWaitSeconds: number | null;
  /** Undefined when nobody has set anything. */
  readonly settings: QueueSettings | undefined;
  /** Live workers that serve it. */
  readonly workers: number;
  readonly arrivedPerMinute: number;
  readonly finishedPerMinute: number;
};

type Served = { readonly queue: string; readonly workers: number };
type Flow = { readonly queue: string; readonly arrived: number; readonly finished: number };

/**
 * Every queue that has jobs, settings or a live worker, in the order of their names, and all together. Reads
 * no more than 10,000 jobs, however many there are.
 */
export async function readQueueOverviews(
  queryable: Queryable,
): Promise<{ readonly queues: readonly QueueOverview[]; readonly all: QueueOverview }> {
  const counts = Map.groupBy(await countJobs(queryable), ({ queue }) => queue);
  const waits = new Map((await oldestWaits(queryable)).map(({ queue, seconds }) => [queue, seconds]));
  const settings = new Map((await listQueueSettings(queryable)).map((row) => [row.queue, row]));
  const served = await countServing(queryable);
  const workers = new Map(served.map((row) => [row.queue, row.workers]));
  const flows = new Map((await readFlows(queryable)).map((flow) => [flow.queue, flow]));
  const names = new Set([...counts.keys(), ...settings.keys(), ...workers.keys()]);
  names.delete(allQueues);
  const queues = [...names].toSorted().map((name): QueueOverview => ({
    name,
    counts: Object.fromEntries((counts.get(name) ?? []).map(({ state, count }) => [state, count])),
    oldestWaitSeconds: waits.get(name) ?? null,
    settings: settings.get(name),
    workers: workers.get(name) ?? 0,
    arrivedPerMinute: flows.get(name)?.arrived ?? 0,
    finishedPerMinute: flows.get(name)?.finished ?? 0,
  }));
  return { queues, all: sumUp(queues, settings.get(allQueues), workers.get(allQueues) ?? 0) };
}

function sumUp(
  queues: readonly QueueOverview[],
  settings: QueueSettings | undefined,
  workers: number,
): QueueOverview {
  const counts: Partial<Record<JobState, number>> = {};
  for (const queue of queues) {
    for (const [state, count] of Object.entries(queue.counts) as [JobState, number][]) {
      counts[state] = (counts[state] ?? 0) + count;
    }
  }
  const waits = queues.flatMap(({ oldestWaitSeconds }) => oldestWaitSeconds ?? []);
  const sum = (figure: (queue: QueueOverview) => number): number =>
    queues.reduce((total, queue) => total + figure(queue), 0);
  return {
    name: allQueues,
    counts,
    oldestWaitSeconds: waits.length === 0 ? null : Math.max(...waits),
    settings,
    workers,
    arrivedPerMinute: sum(({ arrivedPerMinute }) => arrivedPerMinute),
    finishedPerMinute: sum(({ finishedPerMinute }) => finishedPerMinute),
  };
}

/** Live workers by queue, and under `*` all of them. */
async function countServing(queryable: Queryable): Promise<Served[]> {
  const found = await sql<Served>`
    SELECT queue, count(*)::integer AS workers FROM (
      SELECT unnest(queues || ARRAY[${allQueues}]::text[]) AS queue FROM worker WHERE ${isHeardOf()}
    ) AS serving GROUP BY queue`.execute(queryable);
  return found.rows;
}

/** The latest jobs that a flow is reckoned from, each way. More would take longer than the figure is worth. */
const sampleSize = 5_000;

/**
 * Jobs that came and that ended, per minute, by queue. Counted over the last minute, or over the shorter time
 * that the sample reaches back. Reads job_pkey and job_finished_at from their ends. Jobs are seen as coming
 * in the order of their ids, which are made when they are enqueued.
 */
async function readFlows(queryable: Queryable): Promise<Flow[]> {
  const minute = sql`interval '1 minute'`;
  const found = await sql<Flow>`
    WITH latest AS MATERIALIZED (
      SELECT queue, created_at AS at FROM job ORDER BY id DESC LIMIT ${sampleSize}
    ), ended AS MATERIALIZED (
      SELECT queue, finished_at AS at FROM job WHERE finished_at > now() - ${minute}
      ORDER BY finished_at DESC LIMIT ${sampleSize}
    ), seconds AS (
      SELECT ${reach("latest")} AS latest, ${reach("ended")} AS ended
    )
    SELECT queue, (count(*) FILTER (WHERE NOT is_end) * 60 / (SELECT latest FROM seconds))::double precision AS arrived,
           (count(*) FILTER (WHERE is_end) * 60 / (SELECT ended FROM seconds))::double precision AS finished
    FROM (
      SELECT queue, at, false AS is_end FROM latest UNION ALL SELECT queue, at, true FROM ended
    ) AS flows
    WHERE at > now() - ${minute} GROUP BY queue`.execute(queryable);
  return found.rows;
}

/** Seconds that a full sample reaches back, at most 60; 60 for one that is not full. */
function reach(sample: string) {
  return sql`(SELECT CASE WHEN count(*) < ${sampleSize} THEN 60
    ELSE least(60, greatest(0.01, extract(epoch FROM now() - min(at)))) END FROM ${sql.ref(sample)})`;
}

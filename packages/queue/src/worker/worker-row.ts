import { hostname } from "node:os";
import { jsonb } from "@millrace/database";
import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { BrokerStatus } from "../brokers/broker.ts";
import { commit } from "../crash-point.ts";
import { busyQueues } from "../counts/busy-queues.ts";

/** `draining`: claims nothing more. `stopped`: nothing of it runs any more. */
export type WorkerState = "running" | "draining" | "stopped";

/**
 * Says that a worker of this process is there, what it runs and how much at once. Again after a start that failed, or
 * whose answer was lost: what people have asked of it meanwhile stays.
 */
export async function registerWorker(
  database: QueryAccess,
  worker: {
    readonly id: string;
    readonly name: string;
    readonly queues: readonly string[];
    readonly concurrency: number;
    readonly tasks: readonly string[];
    /** Of the program, for those who look at a fleet in the middle of an update. Default unknown. */
    readonly version?: string;
  },
): Promise<void> {
  const insert = sql`
    INSERT INTO worker (id, name, queues, concurrency, tasks, host, pid, version)
    VALUES (${worker.id}, ${worker.name}, ${[...worker.queues]}::text[], ${worker.concurrency},
            ${[...worker.tasks]}::text[], ${hostname()}, ${process.pid}, ${worker.version ?? ""})
    ON CONFLICT (id) DO UPDATE SET concurrency = excluded.concurrency, state = 'running', stopped_at = NULL,
      started_at = now(), beat_at = now(), upkeep_at = now()`;
  await commit("worker_register", () => insert.execute(database.queryable));
}

/** Says that it is gone, for good. */
export async function unregisterWorker(database: QueryAccess, id: string): Promise<void> {
  const update = sql`UPDATE worker SET stopped_at = now(), state = 'stopped', running = 0 WHERE id = ${id}`;
  await commit("worker_unregister", () => update.execute(database.queryable));
}

/** What a worker says of itself with each beat of its row. */
export type WorkerFigures = {
  readonly state: WorkerState;
  /** Jobs at once, as it has it now. */
  readonly concurrency: number;
  /** Jobs that run. */
  readonly running: number;
  /** Attempts that ended since it started, and those of them that failed, timed out or crashed. */
  readonly processed: number;
  readonly failed: number;
  readonly rssBytes: number;
  readonly loopDelayMs: number;
  readonly broker: BrokerStatus;
  /** Whether it could do now what one worker does for all. */
  readonly isUpkeepTurning: boolean;
};

/** What somebody asks of a worker. Null: nothing. */
export type WorkerWishes = {
  readonly wanted_state: WorkerState | null;
  readonly wanted_concurrency: number | null;
};

export type BeatAnswer = WorkerWishes & {
  /** Of the workers that run the same tasks and whose upkeep turns it is the first. More than one may be told so for a moment. */
  readonly is_eldest: boolean;
};

/**
 * Says that a worker lives and how it is; returns what is asked of it. Undefined when there is no row of
 * it: it was silent for so long that it was forgotten, and has to register again.
 */
export async function beatWorker(
  database: QueryAccess,
  id: string,
  figures: WorkerFigures,
): Promise<BeatAnswer | undefined> {
  const beat = sql<BeatAnswer>`
    UPDATE worker SET beat_at = now(), state = ${figures.state}, concurrency = ${figures.concurrency},
           running = ${figures.running}, processed = ${figures.processed}, failed = ${figures.failed},
           rss_bytes = ${figures.rssBytes}, loop_delay_ms = ${figures.loopDelayMs},
           broker = ${jsonb(figures.broker)},
           upkeep_at = CASE WHEN ${figures.isUpkeepTurning} THEN now() ELSE upkeep_at END
    WHERE id = ${id} AND stopped_at IS NULL RETURNING wanted_state, wanted_concurrency, ${isEldest} AS is_eldest`;
  const beaten = await commit("worker_beat", () => beat.execute(database.queryable));
  return beaten.rows[0];
}

/** How often, at the least, a worker says in its row how it is and looks what is asked of it. */
export const workerBeatMs = 5_000;

/** Some beats of a row: one who takes another's silence for its end does no harm. */
const elderSilenceMs = 5_000;

/** A condition on a row of `worker`: of those that run the same tasks, and whose upkeep turns, it is the first. */
const isEldest = sql`NOT EXISTS (
  SELECT 1 FROM worker AS elder
  WHERE elder.id < worker.id AND elder.tasks = worker.tasks AND elder.stopped_at IS NULL
    AND elder.upkeep_at > now() - ${elderSilenceMs}::double precision * interval '1 millisecond')`;

/** Twelve beats of a row: a worker that was silent for that long is taken for dead by those who look. */
const silenceMs = 60_000;

/** A condition on a row of `worker`: it has not said goodbye, and was heard of within that time. */
export const isHeardOf = (withinMs: number = silenceMs) => sql`
  worker.stopped_at IS NULL
  AND worker.beat_at > now() - ${withinMs}::double precision * interval '1 millisecond'`;

export type WorkerRecord = WorkerWishes & {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly queues: readonly string[];
  /** As `name@version`. */
  readonly tasks: readonly string[];
  readonly state: WorkerState;
  /** Whether it was heard of within a minute and has not stopped. */
  readonly is_live: boolean;
  readonly concurrency: number;
  readonly running: number;
  readonly processed: number;
  readonly failed: number;
  readonly rss_bytes: number;
  readonly loop_delay_ms: number;
  /** As it was at the last beat; null before the first, and of workers of earlier versions. */
  readonly broker: BrokerStatus | null;
  readonly started_at: Date;
  readonly beat_at: Date;
  readonly stopped_at: Date | null;
};

const workerColumns = sql`
  id, name, host, pid, version, queues, tasks, state, (${isHeardOf()}) AS is_live, concurrency, running,
  processed, failed, rss_bytes, loop_delay_ms, broker, started_at, beat_at, stopped_at, wanted_state, wanted_concurrency
  FROM worker`;

/** The workers there are, and those that went within a day: the living first, then the latest, at most 1000. */
export async function listWorkers(queryable: Queryable): Promise<WorkerRecord[]> {
  const found = await sql<WorkerRecord>`
    SELECT ${workerColumns} ORDER BY is_live DESC, beat_at DESC, id LIMIT 1000`.execute(queryable);
  return found.rows;
}

/** Those that have this id or this name, in the same order. */
export async function findWorkers(queryable: Queryable, worker: string): Promise<WorkerRecord[]> {
  const found = await sql<WorkerRecord>`
    SELECT ${workerColumns} WHERE id::text = ${worker} OR name = ${worker}
    ORDER BY is_live DESC, beat_at DESC, id LIMIT 1000`.execute(queryable);
  return found.rows;
}

/** Queues that hold due jobs while no worker that was heard of within `withinMs` serves them. At most 50. */
export async function queuesWithoutWorker(database: QueryAccess, withinMs: number): Promise<string[]> {
  const found = await sql<{ queue: string }>`
    WITH RECURSIVE ${busyQueues}
    SELECT queue FROM busy WHERE queue IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM worker WHERE busy.queue = ANY(worker.queues) AND ${isHeardOf(withinMs)})
    LIMIT 50`.execute(database.queryable);
  return found.rows.map((row) => row.queue);
}

/**
 * Tasks, as `name@version`, whose due jobs stand first in their queues while workers serve the queue
 * but none knows the task: left by another version of the program. At most 50, from the first 1000
 * jobs of each queue.
 */
export async function unservedTasks(database: QueryAccess, withinMs: number): Promise<string[]> {
  const found = await sql<{ task: string }>`
    WITH RECURSIVE ${busyQueues}, first AS (
      SELECT DISTINCT busy.queue, head.task FROM busy CROSS JOIN LATERAL (
        SELECT job.task || '@' || job.task_version AS task FROM job
        WHERE job.state = 'queued' AND job.queue = busy.queue
        ORDER BY job.priority DESC, job.fair, job.run_at, job.id LIMIT 1000) AS head
    ), serving AS (
      SELECT queues, tasks FROM worker WHERE ${isHeardOf(withinMs)}
    )
    SELECT DISTINCT task FROM first
    WHERE EXISTS (SELECT 1 FROM serving WHERE first.queue = ANY(serving.queues))
      AND NOT EXISTS (SELECT 1 FROM serving WHERE first.queue = ANY(serving.queues) AND first.task = ANY(serving.tasks))
    ORDER BY task LIMIT 50`.execute(database.queryable);
  return found.rows.map((row) => row.task);
}

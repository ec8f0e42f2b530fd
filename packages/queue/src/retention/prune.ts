import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { commit } from "../crash-point.ts";
import { pruneWorkflows } from "./prune-workflows.ts";

/** How long is kept what does not go with its job; each task says how long its jobs are kept (`keptDays`). */
export type Retention = {
  /** Lines that jobs log, from when they were written. */
  readonly logDays: number;
  /** Events, from the end of the job or the stream. */
  readonly eventHours: number;
  /** The pieces of text among the events of a stream, from its end: its result has the text as a whole. */
  readonly textHours: number;
  /**
   * How much longer failed jobs and log lines are left to whoever cleans them up by a schedule, so that people
   * see it and say when; without such a schedule nothing is kept for ever. In days. Default 0.
   */
  readonly spareDays?: number;
};

export const defaultRetention: Retention = { logDays: 7, eventHours: 24, textHours: 1 };

/** What one call has deleted or dealt with. */
export type PruneResult = {
  /** Jobs, members and workflows, log lines, jobs and streams whose events or texts went, workers, alarms and counts. */
  readonly count: number;
  /** The call ended before the work did: worth another one soon. */
  readonly hasMore: boolean;
};

/** Small enough that a delete holds its locks for milliseconds. */
const lineBatch = 1_000;
/** Fewer: each job or stream has its events with it. */
const jobBatch = 200;
/** Of each kind in one call. With a call every few seconds that is thousands of jobs a second. */
const maxBatches = 50;

/**
 * One statement that deals with a batch and says how many rows that were, and how large a full batch is.
 * What goes with the batch is named by arrays, so that each table is looked into by its index, however
 * little is known of its size.
 */
type Pruning = { readonly statement: RawBuilder<{ count: number }>; readonly full: number };

/**
 * Deletes what its retention time has passed, oldest first, in batches and at most so many of them that
 * the call ends soon. Rows that are locked are left for the next time. The signal ends the work after the
 * batch at hand. Any number of processes may do it at once.
 */
export async function pruneHistory(
  database: QueryAccess,
  retention: Retention,
  signal?: AbortSignal,
): Promise<PruneResult> {
  await startEventMarks(database);
  const { spareDays = 0 } = retention;
  const prunings = [
    pruneLog(retention.logDays + spareDays),
    pruneWorkflows(),
    pruneJobs(dueJobs(spareDays)),
    pruneOwnEvents(retention.eventHours),
    pruneSharedEvents(retention.eventHours),
    pruneText(retention),
    pruneWorkers(),
    pruneAlarms(),
    pruneEndCounts("queue"),
    pruneEndCounts("task"),
  ];
  let count = 0;
  let hasMore = false;
  for (const pruning of prunings) {
    const done = await runPruning(database, pruning, signal);
    count += done.count;
    hasMore ||= done.hasMore;
  }
  return { count, hasMore };
}

async function runPruning(
  database: QueryAccess,
  { statement, full }: Pruning,
  signal: AbortSignal | undefined,
): Promise<PruneResult> {
  let count = 0;
  for (let batches = 0; batches < maxBatches; batches++) {
    if (signal?.aborted) return { count, hasMore: true };
    const result = await commit("prune", () => statement.execute(database.queryable));
    const dealtWith = result.rows[0]?.count ?? 0;
    count += dealtWith;
    if (dealtWith < full) return { count, hasMore: false };
  }
  return { count, hasMore: true };
}

const daysAgo = (days: number) => sql`now() - ${days}::double precision * interval '1 day'`;
const hoursAgo = (hours: number) => sql`now() - ${hours}::double precision * interval '1 hour'`;

function pruneLog(days: number): Pruning {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM job_log WHERE id IN (
        SELECT id FROM job_log WHERE created_at < ${daysAgo(days)}
        ORDER BY created_at LIMIT ${lineBatch} FOR UPDATE SKIP LOCKED)
      RETURNING id
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: lineBatch };
}

/** The tables whose rows belong to a job and go with it: there are no foreign keys that would see to it. */
const sideTables = ["job_payload", "job_progress", "job_attempt", "job_step", "job_wait", "job_log"] as const;

/** Read by job_purge, in order. */
function dueJobs(spareDays: number): RawBuilder<unknown> {
  const spared = sql`AND (state <> 'failed' OR purge_at < ${daysAgo(spareDays)})`;
  return sql`SELECT id FROM job WHERE purge_at < now() ${spareDays === 0 ? sql`` : spared} ORDER BY purge_at`;
}

/**
 * Deletes failed jobs whose time has passed, and with `olderThanDays` those that ended longer ago, whatever
 * their tasks say, but for members of workflows, which go with these; in batches. Resolves with how many; rejects
 * with the reason of the signal. Any number of processes may do it at once.
 */
export async function pruneFailedJobs(
  database: QueryAccess,
  { olderThanDays, signal }: { readonly olderThanDays: number | null; readonly signal?: AbortSignal },
): Promise<number> {
  const due = sql`SELECT id FROM job WHERE purge_at < now() AND state = 'failed' ORDER BY purge_at`;
  const old = sql`
    SELECT id FROM job
    WHERE state = 'failed' AND finished_at < ${daysAgo(olderThanDays ?? 0)} AND workflow_id IS NULL`;
  const prunings = [pruneJobs(due), ...(olderThanDays === null ? [] : [pruneJobs(old)])];
  return await pruneAll(database, prunings, signal);
}

/** The same for the lines that jobs logged so long ago. */
export async function pruneOldLogs(
  database: QueryAccess,
  { olderThanDays, signal }: { readonly olderThanDays: number; readonly signal?: AbortSignal },
): Promise<number> {
  return await pruneAll(database, [pruneLog(olderThanDays)], signal);
}

async function pruneAll(
  database: QueryAccess,
  prunings: readonly Pruning[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let total = 0;
  for (const pruning of prunings) {
    for (let hasMore = true; hasMore;) {
      signal?.throwIfAborted();
      const done = await runPruning(database, pruning, signal);
      total += done.count;
      hasMore = done.hasMore;
    }
  }
  return total;
}

/** Deletes jobs with all that belongs to them, the events of their own streams too. */
function pruneJobs(wanted: RawBuilder<unknown>): Pruning {
  const sideRows = sideTables.map(
    (table) => sql`
    ${sql.ref(`without_${table}`)} AS (
      DELETE FROM ${sql.table(table)} WHERE job_id = ANY(ARRAY(SELECT id FROM gone))
    )`,
  );
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM job WHERE id IN (
        ${wanted} LIMIT ${jobBatch} FOR UPDATE SKIP LOCKED)
      RETURNING id
    ), ${sql.join(sideRows)}, without_events AS (
      DELETE FROM event WHERE stream = ANY(ARRAY(SELECT 'job:' || id FROM gone))
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: jobBatch };
}

const eventMark = "own_events";
const textMark = "text_events";

/** Before the first job or stream that could have ended. */
async function startEventMarks(database: QueryAccess): Promise<void> {
  const start = sql`
    INSERT INTO retention_mark (chore, until) VALUES (${eventMark}, '-infinity'), (${textMark}, '-infinity')
    ON CONFLICT DO NOTHING`;
  await commit("prune", () => start.execute(database.queryable));
}

/**
 * Deletes the events in the own streams of jobs that ended, in the order of their ends, from where the
 * mark stands. The mark is locked, so that one process at a time does it. Jobs that ended in the same
 * moment go together, since the mark can't stand between them. A job that runs again ends again, after
 * the mark. No end can come before the mark any more: it is younger than the retention, and longer than
 * that no transaction lasts.
 */
function pruneOwnEvents(hours: number): Pruning {
  const statement = sql<{ count: number }>`
    WITH mark AS MATERIALIZED (
      SELECT until FROM retention_mark WHERE chore = ${eventMark} FOR UPDATE SKIP LOCKED
    ), ended AS MATERIALIZED (
      SELECT id, finished_at FROM job
      WHERE finished_at > (SELECT until FROM mark) AND finished_at < ${hoursAgo(hours)}
      ORDER BY finished_at FETCH FIRST ${sql.lit(jobBatch)} ROWS WITH TIES
    ), emptied AS (
      DELETE FROM event WHERE stream = ANY(ARRAY(SELECT 'job:' || id FROM ended))
    ), moved AS (
      UPDATE retention_mark SET until = (SELECT max(finished_at) FROM ended)
      WHERE chore = ${eventMark} AND EXISTS (SELECT FROM ended)
    )
    SELECT count(*) AS count FROM ended`;
  return { statement, full: jobBatch };
}

/**
 * Deletes the events of shared streams that ended, whole streams at a time. The row of a stream stays, so
 * that its numbers are never given again, and leaves the index of those to prune; of one that is forgotten
 * the row goes too.
 */
function pruneSharedEvents(hours: number): Pruning {
  const statement = sql<{ count: number }>`
    WITH ended AS MATERIALIZED (
      SELECT stream, is_forgotten FROM event_stream WHERE ended_at < ${hoursAgo(hours)}
      ORDER BY ended_at LIMIT ${jobBatch} FOR UPDATE SKIP LOCKED
    ), emptied AS (
      DELETE FROM event WHERE stream = ANY(ARRAY(SELECT stream FROM ended))
    ), kept AS (
      UPDATE event_stream SET ended_at = NULL
      WHERE stream = ANY(ARRAY(SELECT stream FROM ended WHERE NOT is_forgotten))
    ), forgotten AS (
      DELETE FROM event_stream WHERE stream = ANY(ARRAY(SELECT stream FROM ended WHERE is_forgotten))
    )
    SELECT count(*) AS count FROM ended`;
  return { statement, full: jobBatch };
}

/**
 * Deletes the pieces of text in shared streams that ended, in the order of their ends, from where the mark
 * stands, as with the own streams of jobs. Streams whose other events are due too are left to those. Rows whose
 * text were emptied would be nearly as large: there are up to ten a second of each text. Their numbers are missing
 * from then on, and readers pass what is missing between two events.
 */
function pruneText({ textHours, eventHours }: Retention): Pruning {
  const statement = sql<{ count: number }>`
    WITH mark AS MATERIALIZED (
      SELECT until FROM retention_mark WHERE chore = ${textMark} FOR UPDATE SKIP LOCKED
    ), ended AS MATERIALIZED (
      SELECT stream, ended_at FROM event_stream
      WHERE ended_at > (SELECT greatest(until, ${hoursAgo(eventHours)}) FROM mark)
        AND ended_at < ${hoursAgo(textHours)}
      ORDER BY ended_at FETCH FIRST ${sql.lit(jobBatch)} ROWS WITH TIES
    ), emptied AS (
      DELETE FROM event WHERE stream = ANY(ARRAY(SELECT stream FROM ended)) AND right(type, 13) = '.text_written'
    ), moved AS (
      UPDATE retention_mark SET until = (SELECT max(ended_at) FROM ended)
      WHERE chore = ${textMark} AND EXISTS (SELECT FROM ended)
    )
    SELECT count(*) AS count FROM ended`;
  return { statement, full: jobBatch };
}

/** A day after they were last heard of, for those who look for what became of them. */
function pruneWorkers(): Pruning {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM worker WHERE id IN (
        SELECT id FROM worker WHERE greatest(beat_at, stopped_at) < ${daysAgo(1)}
        LIMIT ${lineBatch} FOR UPDATE SKIP LOCKED)
      RETURNING id
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: lineBatch };
}

/** A month after they were cleared, for those who ask how often it has been so. */
function pruneAlarms(): Pruning {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM alarm WHERE id IN (
        SELECT id FROM alarm WHERE cleared_at < ${daysAgo(30)} ORDER BY cleared_at LIMIT ${lineBatch} FOR UPDATE SKIP LOCKED)
      RETURNING id
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: lineBatch };
}

/** Past any time over which the share of failures is taken. */
function pruneEndCounts(of: "queue" | "task"): Pruning {
  const [table, subject] = [sql.table(`${of}_end_count`), sql.ref(of)];
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM ${table} WHERE (minute, ${subject}, state) IN (
        SELECT minute, ${subject}, state FROM ${table} WHERE minute < ${daysAgo(2)}
        ORDER BY minute LIMIT ${lineBatch} FOR UPDATE SKIP LOCKED)
      RETURNING minute
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: lineBatch };
}

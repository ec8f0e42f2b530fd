import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";

export type Retention = {
  readonly succeededDays: number;
  readonly otherEndsDays: number;
  readonly logDays: number;
  readonly eventHours: number;
};

export const defaultRetention: Retention = {
  succeededDays: 7,
  otherEndsDays: 30,
  logDays: 7,
  eventHours: 24,
};

/** Small enough that a delete holds its locks for milliseconds. */
const batch = 1_000;
/** Fewer: each has its events with it. */
const streamBatch = 100;

/** One statement that deletes a batch and says how many rows it dealt with, and how large a full batch is. */
type Pruning = { readonly statement: RawBuilder<{ count: number }>; readonly full: number };

/**
 * Deletes what its retention time has passed, in batches, oldest first; returns how many jobs, log
 * lines, streams and workers that were. Rows that are locked are left for the next time. The signal ends the work after the batch at hand.
 */
export async function pruneHistory(
  database: QueryAccess,
  retention: Retention,
  signal?: AbortSignal,
): Promise<number> {
  const prunings = [
    pruneLog(retention.logDays),
    pruneJobs(sql`state = 'succeeded'`, retention.succeededDays),
    pruneJobs(sql`state <> 'succeeded'`, retention.otherEndsDays),
    pruneStreams(retention.eventHours),
    pruneWorkers(),
  ];
  let total = 0;
  for (const { statement, full } of prunings) {
    for (;;) {
      if (signal?.aborted) return total;
      const result = await statement.execute(database.queryable);
      const dealtWith = result.rows[0]?.count ?? 0;
      total += dealtWith;
      if (dealtWith < full) break;
    }
  }
  return total;
}

const daysAgo = (days: number) => sql`now() - ${days}::double precision * interval '1 day'`;

function pruneLog(days: number): Pruning {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM job_log WHERE id IN (
        SELECT id FROM job_log WHERE created_at < ${daysAgo(days)}
        ORDER BY created_at LIMIT ${batch} FOR UPDATE SKIP LOCKED)
      RETURNING id
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: batch };
}

/** A stream of its own goes with its job, and with the stream its events. */
function pruneJobs(ended: RawBuilder<unknown>, days: number): Pruning {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM job WHERE id IN (
        SELECT id FROM job WHERE finished_at < ${daysAgo(days)} AND ${ended}
        ORDER BY finished_at LIMIT ${batch} FOR UPDATE SKIP LOCKED)
      RETURNING id, stream
    ), unwritten AS (
      DELETE FROM event_stream USING gone
      WHERE event_stream.stream = gone.stream AND gone.stream = 'job:' || gone.id
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: batch };
}

/**
 * Deletes the events of streams that ended, whole streams at a time. The row of a stream stays, so that
 * its numbers are never given again, and leaves the index of those to prune; of one that is forgotten
 * the row goes too.
 */
function pruneStreams(hours: number): Pruning {
  const statement = sql<{ count: number }>`
    WITH ended AS MATERIALIZED (
      SELECT stream, is_forgotten FROM event_stream
      WHERE ended_at < now() - ${hours}::double precision * interval '1 hour'
      ORDER BY ended_at LIMIT ${streamBatch} FOR UPDATE SKIP LOCKED
    ), emptied AS (
      DELETE FROM event USING ended WHERE event.stream = ended.stream
    ), kept AS (
      UPDATE event_stream SET ended_at = NULL FROM ended
      WHERE event_stream.stream = ended.stream AND NOT ended.is_forgotten
    ), forgotten AS (
      DELETE FROM event_stream USING ended WHERE event_stream.stream = ended.stream AND ended.is_forgotten
    )
    SELECT count(*) AS count FROM ended`;
  return { statement, full: streamBatch };
}

function pruneWorkers(): Pruning {
  const statement = sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM worker WHERE id IN (
        SELECT id FROM worker WHERE greatest(beat_at, stopped_at) < ${daysAgo(1)}
        LIMIT ${batch} FOR UPDATE SKIP LOCKED)
      RETURNING id
    )
    SELECT count(*) AS count FROM gone`;
  return { statement, full: batch };
}

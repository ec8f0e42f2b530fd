import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

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

/**
 * Deletes what its retention time has passed, in batches, oldest first; returns how many rows went.
 * Numbers of a stream are never given again: its row stays until the stream itself is forgotten.
 */
export async function pruneHistory(database: QueryAccess, retention: Retention): Promise<number> {
  const statements = [
    sql`DELETE FROM job WHERE id IN (
      SELECT id FROM job WHERE finished_at < now() - CASE state WHEN 'succeeded'
        THEN ${retention.succeededDays}::double precision * interval '1 day'
        ELSE ${retention.otherEndsDays}::double precision * interval '1 day' END
      AND finished_at IS NOT NULL ORDER BY finished_at LIMIT ${batch})`,
    sql`DELETE FROM job_log WHERE id IN (
      SELECT id FROM job_log WHERE created_at < now() - ${retention.logDays}::double precision * interval '1 day'
      ORDER BY created_at LIMIT ${batch})`,
    sql`DELETE FROM event WHERE (stream, seq) IN (
      SELECT event.stream, seq FROM event JOIN event_stream USING (stream)
      WHERE ended_at < now() - ${retention.eventHours}::double precision * interval '1 hour' LIMIT ${batch})`,
    sql`DELETE FROM event_stream WHERE stream IN (
      SELECT stream FROM event_stream WHERE stream LIKE 'job:%'
        AND ended_at < now() - ${retention.otherEndsDays}::double precision * interval '1 day' LIMIT ${batch})`,
    sql`DELETE FROM worker WHERE id IN (
      SELECT id FROM worker WHERE greatest(beat_at, stopped_at) < now() - interval '1 day' LIMIT ${batch})`,
  ];
  let total = 0;
  for (const statement of statements) {
    for (;;) {
      const result = await statement.execute(database.queryable);
      const deleted = Number(result.numAffectedRows ?? 0n);
      total += deleted;
      if (deleted < batch) break;
    }
  }
  return total;
}

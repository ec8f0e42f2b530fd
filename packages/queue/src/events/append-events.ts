import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";
import type { StoredEvent } from "./event.ts";
import type { EventBus } from "./event-bus.ts";

export type NewEvent = {
  readonly stream: string;
  /** Who may be told that the stream changed. */
  readonly owner: string | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/**
 * Appends events with the next numbers of their streams and publishes them when the transaction
 * has committed. The number is allocated under a row's lock: no gap, no double, in the order of
 * commits. That row is the job's for its own stream, `job:<id>`, and a row of event_stream for the
 * others. Streams are locked in the order of their names, so two writers can't deadlock.
 */
export async function appendEvents(
  scope: WriteScope,
  bus: EventBus,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const placed = countBack(events);
  const numbered = await sql<NumberedStream>`
    WITH given AS MATERIALIZED (
      SELECT * FROM unnest(${events.map(({ stream }) => stream)}::text[], ${events.map(({ type }) => type)}::text[],
                           ${events.map(({ data }) => jsonText(data))}::text[], ${placed}::bigint[])
        AS given (stream, type, data, back)
    ), counted AS (
      SELECT stream, count(*) AS count FROM given GROUP BY stream ORDER BY stream
    ), own AS (
      UPDATE job SET event_seq = event_seq + count FROM counted
      WHERE counted.stream LIKE 'job:%' AND job.id = substr(counted.stream, 5)::uuid
      RETURNING counted.stream, event_seq AS last_seq
    ), shared AS (
      INSERT INTO event_stream AS known (stream, last_seq)
      SELECT stream, count FROM counted WHERE stream NOT LIKE 'job:%' ORDER BY stream
      ON CONFLICT (stream) DO UPDATE SET last_seq = known.last_seq + excluded.last_seq, ended_at = NULL
      RETURNING stream, last_seq
    ), numbered AS (
      SELECT stream, last_seq FROM own UNION ALL SELECT stream, last_seq FROM shared
    ), written AS (
      INSERT INTO event (stream, seq, type, data, at)
      SELECT stream, last_seq - back, type, data::jsonb, now() FROM given JOIN numbered USING (stream)
    )
    SELECT stream, last_seq, now() AS at FROM numbered`.execute(scope.transaction);
  const byStream = new Map(numbered.rows.map((row) => [row.stream, row]));
  const stored = events.map(({ stream, type, data }, index): StoredEvent => {
    const row = byStream.get(stream);
    if (row === undefined) throw new Error(`no number was given for ${stream}`);
    return { stream, seq: row.last_seq - (placed[index] ?? 0), type, data, at: row.at.toISOString() };
  });
  scope.afterCommit(() => publishEvents(bus, events, stored));
}

/** The highest number that a stream has reached. */
type NumberedStream = { readonly stream: string; readonly last_seq: number; readonly at: Date };

/** Tells those who watch of events that have been committed, `stored` being `events` with their numbers. */
export function publishEvents(
  bus: EventBus,
  events: readonly NewEvent[],
  stored: readonly StoredEvent[],
): void {
  bus.publishEvents(stored);
  // Progress, log lines and text are for those who follow the stream; lists only change with the rest.
  const telling = events.filter(({ type }) => !/\.(progressed|logged|text_written)$/.test(type));
  const owners = new Map(telling.map((event) => [event.stream, event.owner]));
  for (const [stream, owner] of owners) bus.publishNotice(streamChanged(stream, owner));
}

function streamChanged(stream: string, owner: string | null) {
  const { domain, id } = parseStream(stream);
  return { topic: "workspace", owner, type: `${domain}.changed`, data: { [`${domain}_id`]: id } } as const;
}

/** The two halves of a stream's name: `document:<id>`. */
export function parseStream(stream: string): { domain: string; id: string } {
  const separator = stream.indexOf(":");
  return { domain: stream.slice(0, separator), id: stream.slice(separator + 1) };
}

/** The stream of a job that has no other. The view `unstored_event` names it so too. */
export function ownStream(jobId: string): string {
  return `job:${jobId}`;
}

/** For each event, how many of the same stream come after it. */
function countBack(events: readonly NewEvent[]): number[] {
  const after = new Map<string, number>();
  return events
    .toReversed()
    .map(({ stream }) => {
      const back = after.get(stream) ?? 0;
      after.set(stream, back + 1);
      return back;
    })
    .toReversed();
}

/**
 * Marks a stream as ended, from where its retention counts. A later event opens it again. The own stream
 * of a job ends with the job.
 */
export async function endStream(transaction: Transaction, stream: string): Promise<void> {
  await sql`UPDATE event_stream SET ended_at = now() WHERE stream = ${stream}`.execute(transaction);
}

/**
 * Ends a stream whose subject is gone: its row goes with its events, one retention time after its
 * last end. For subjects whose ids are never given again.
 */
export async function forgetStream(transaction: Transaction, stream: string): Promise<void> {
  await sql`
    UPDATE event_stream SET ended_at = now(), is_forgotten = true WHERE stream = ${stream}`.execute(
    transaction,
  );
}

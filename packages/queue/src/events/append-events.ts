import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
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
 * has committed. The number is allocated under the stream's row lock: no gap, no double, in the
 * order of commits. Streams are locked in the order of their names, so two writers can't deadlock.
 */
export async function appendEvents(
  scope: WriteScope,
  bus: EventBus,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const prepared = prepareEvents(events);
  const numbered = await sql<NumberedStream>`
    WITH ${prepared.expressions} SELECT stream, last_seq, now() AS at FROM numbered`.execute(
    scope.transaction,
  );
  prepared.announce(scope, bus, numbered.rows);
}

/** The highest number that a stream has reached. */
export type NumberedStream = { readonly stream: string; readonly last_seq: number; readonly at: Date };

export type PreparedEvents = {
  /** Common table expressions that write the events; the last numbers are in the one called `numbered`. */
  readonly expressions: RawBuilder<unknown>;
  /** Publishes the events after the commit, given what `numbered` returned. */
  readonly announce: (scope: WriteScope, bus: EventBus, numbered: readonly NumberedStream[]) => void;
};

/**
 * Events as part of a larger statement: each way to the embedded database costs as much as a small
 * statement itself.
 */
export function prepareEvents(events: readonly NewEvent[]): PreparedEvents {
  const placed = countBack(events);
  const expressions = sql`
    given AS MATERIALIZED (
      SELECT * FROM unnest(${events.map(({ stream }) => stream)}::text[], ${events.map(({ type }) => type)}::text[],
                           ${events.map(({ data }) => jsonText(data))}::text[], ${placed}::bigint[])
        AS given (stream, type, data, back)
    ), numbered AS (
      INSERT INTO event_stream AS known (stream, last_seq)
      SELECT stream, count(*) FROM given GROUP BY stream ORDER BY stream
      ON CONFLICT (stream) DO UPDATE SET last_seq = known.last_seq + excluded.last_seq, ended_at = NULL
      RETURNING stream, last_seq
    ), written AS (
      INSERT INTO event (stream, seq, type, data, at)
      SELECT stream, last_seq - back, type, data::jsonb, now() FROM given JOIN numbered USING (stream)
    )`;
  return {
    expressions,
    announce: (scope, bus, numbered) => {
      const byStream = new Map(numbered.map((row) => [row.stream, row]));
      const stored = events.map(({ stream, type, data }, index): StoredEvent => {
        const row = byStream.get(stream);
        if (row === undefined) throw new Error(`no number was given for ${stream}`);
        return { stream, seq: row.last_seq - (placed[index] ?? 0), type, data, at: row.at.toISOString() };
      });
      scope.afterCommit(() => publish(bus, events, stored));
    },
  };
}

function publish(bus: EventBus, events: readonly NewEvent[], stored: readonly StoredEvent[]): void {
  bus.publishEvents(stored);
  // Progress and log lines are for those who follow the stream; lists only change with the rest.
  const telling = events.filter(({ type }) => !/\.(progressed|logged)$/.test(type));
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

/** Marks streams as ended, from where their retention counts. A later event opens them again. */
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

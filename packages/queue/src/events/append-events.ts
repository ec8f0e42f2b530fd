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
 * has committed. The number is allocated under the stream's row lock: no gap, no double, in the
 * order of commits. Streams are locked in the order of their names, so two writers can't deadlock.
 */
export async function appendEvents(
  scope: WriteScope,
  bus: EventBus,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const stored = await insertEvents(scope.transaction, events);
  scope.afterCommit(() => {
    bus.publishEvents(stored);
    // Progress and log lines are for those who follow the stream; lists only change with the rest.
    const telling = events.filter(({ type }) => !/\.(progressed|logged)$/.test(type));
    const owners = new Map(telling.map((event) => [event.stream, event.owner]));
    for (const [stream, owner] of owners) bus.publishNotice(streamChanged(stream, owner));
  });
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

async function insertEvents(transaction: Transaction, events: readonly NewEvent[]): Promise<StoredEvent[]> {
  const counts = new Map<string, number>();
  for (const { stream } of events) counts.set(stream, (counts.get(stream) ?? 0) + 1);
  const ordered = [...counts].toSorted(([left], [right]) => (left < right ? -1 : 1));
  const numbered = await sql<{ stream: string; last_seq: number; at: Date }>`
    INSERT INTO event_stream AS known (stream, last_seq)
    SELECT * FROM unnest(${ordered.map(([stream]) => stream)}::text[], ${ordered.map(([, count]) => count)}::bigint[])
    ON CONFLICT (stream) DO UPDATE SET last_seq = known.last_seq + excluded.last_seq, ended_at = NULL
    RETURNING stream, last_seq, now() AS at`.execute(transaction);
  const next = new Map(
    numbered.rows.map((row) => [row.stream, row.last_seq - (counts.get(row.stream) ?? 0)]),
  );
  const at = (numbered.rows[0]?.at ?? new Date()).toISOString();
  const stored = events.map((event) => {
    const seq = (next.get(event.stream) ?? 0) + 1;
    next.set(event.stream, seq);
    return { stream: event.stream, seq, type: event.type, data: event.data, at };
  });
  await sql`
    INSERT INTO event (stream, seq, type, data, at)
    SELECT stream, seq, type, data::jsonb, now()
    FROM unnest(${stored.map((event) => event.stream)}::text[], ${stored.map((event) => event.seq)}::bigint[],
                ${stored.map((event) => event.type)}::text[], ${stored.map((event) => jsonText(event.data))}::text[])
      AS fresh (stream, seq, type, data)`.execute(transaction);
  return stored;
}

/** Marks streams as ended, from where their retention counts. A later event opens them again. */
export async function endStream(transaction: Transaction, stream: string): Promise<void> {
  await sql`UPDATE event_stream SET ended_at = now() WHERE stream = ${stream}`.execute(transaction);
}

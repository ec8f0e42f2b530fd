import type { Database } from "@millrace/database";
import { sql } from "kysely";
import type { EventFeed } from "./event.ts";
import type { EventBus } from "./event-bus.ts";

type EventRow = { seq: number; type: string; data: Record<string, unknown>; at: Date };

/** Reads stored events from the database, and hears of new ones on the bus. */
export function createEventFeed(database: Database, bus: EventBus): EventFeed {
  return {
    read: async (stream, after, limit) => {
      // Bounds first: an event that commits between the two reads is then above lastSeq, never lost.
      const bounds = await sql<{ last_seq: number; oldest_seq: number | null }>`
        SELECT last_seq, (SELECT min(seq) FROM event WHERE event.stream = known.stream) AS oldest_seq
        FROM event_stream known WHERE stream = ${stream}`.execute(database.queryable);
      const lastSeq = bounds.rows[0]?.last_seq ?? 0;
      const found = await sql<EventRow>`
        SELECT seq, type, data, at FROM event
        WHERE stream = ${stream} AND seq > ${after} AND seq <= ${lastSeq} ORDER BY seq LIMIT ${limit}`.execute(
        database.queryable,
      );
      return {
        events: found.rows.map((row) => ({
          stream,
          seq: row.seq,
          type: row.type,
          data: row.data,
          at: row.at.toISOString(),
        })),
        lastSeq,
        oldestSeq: bounds.rows[0]?.oldest_seq ?? lastSeq + 1,
      };
    },
    onEvents: (listener) => bus.onEvents(listener),
    onNotice: (listener) => bus.onNotice(listener),
  };
}

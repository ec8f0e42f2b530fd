import type { Database } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { parseStream } from "./append-events.ts";
import type { EventFeed, StreamHead } from "./event.ts";
import type { EventBus } from "./event-bus.ts";

type EventRow = { seq: number; type: string; data: Record<string, unknown>; at: Date };

/** Reads stored events from the database, and hears of new ones on the bus. */
export function createEventFeed(database: Database, bus: EventBus): EventFeed {
  return {
    read: async (stream, after, limit) => {
      // Bounds first: an event that commits between the two reads is then above lastSeq, never lost.
      const bounds = await readBounds(database, stream);
      const lastSeq = bounds?.last_seq ?? 0;
      const found = await sql<EventRow>`
        SELECT seq, type, data, at FROM (${eventsOf(stream)}) AS event
        WHERE seq > ${after} AND seq <= ${lastSeq} ORDER BY seq LIMIT ${limit}`.execute(database.queryable);
      return {
        events: found.rows.map((row) => ({
          stream,
          seq: row.seq,
          type: row.type,
          data: row.data,
          at: row.at.toISOString(),
        })),
        lastSeq,
        oldestSeq: bounds?.oldest_seq ?? lastSeq + 1,
      };
    },
    readHeads: (streams) => readHeads(database, streams),
    onEvents: (listener) => bus.onEvents(listener),
    onMoved: (listener) => bus.onMoved(listener),
    onNotice: (listener) => bus.onNotice(listener),
  };
}

/** The events of a stream: those that are stored, and of a job's own stream those that its row tells. */
function eventsOf(stream: string): RawBuilder<unknown> {
  const stored = sql`SELECT seq, type, data, at FROM event WHERE stream = ${stream}`;
  const { domain, id } = parseStream(stream);
  if (domain !== "job") return stored;
  return sql`${stored} UNION ALL SELECT seq, type, data, at FROM unstored_event WHERE job_id = ${id}::uuid`;
}

type Bounds = { readonly last_seq: number; readonly oldest_seq: number | null };

async function readBounds(database: Database, stream: string): Promise<Bounds | undefined> {
  const oldest = sql`(SELECT min(seq) FROM (${eventsOf(stream)}) AS event) AS oldest_seq`;
  const { domain, id } = parseStream(stream);
  const found =
    domain === "job"
      ? await sql<Bounds>`
          SELECT event_seq AS last_seq, ${oldest} FROM job WHERE id = ${id}::uuid`.execute(database.queryable)
      : await sql<Bounds>`
          SELECT last_seq, ${oldest} FROM event_stream WHERE stream = ${stream}`.execute(database.queryable);
  return found.rows[0];
}

async function readHeads(database: Database, streams: readonly string[]): Promise<readonly StreamHead[]> {
  const jobs: string[] = [];
  const shared: string[] = [];
  for (const stream of streams) {
    const { domain, id } = parseStream(stream);
    if (domain === "job") jobs.push(id);
    else shared.push(stream);
  }
  const found = await sql<StreamHead>`
    SELECT 'job:' || id AS stream, event_seq AS seq FROM job WHERE id = ANY(${jobs}::uuid[])
    UNION ALL
    SELECT stream, last_seq AS seq FROM event_stream WHERE stream = ANY(${shared}::text[])`.execute(
    database.queryable,
  );
  return found.rows;
}

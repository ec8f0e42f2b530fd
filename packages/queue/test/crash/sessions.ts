/** What a process has left open on the server of its database. */
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** A transaction that stands idle for longer waits for something outside of the database. */
const idleMs = 1_000;

/** The URL with a name for the sessions that are opened by it, at most 63 characters. */
export function withApplicationName(url: string, name: string): string {
  const named = new URL(url);
  named.searchParams.set("application_name", name);
  return named.href;
}

/** Sessions of this name, in words, with what they hold. */
export async function findSessions(queryable: Queryable, application: string): Promise<string[]> {
  const found = await sql<{ text: string }>`
    SELECT concat_ws(' ', 'session', pid, 'of', application_name, 'is', state, wait_event, left(query, 80),
             (SELECT 'and holds ' || count(*) || ' locks' FROM pg_locks WHERE pg_locks.pid = activity.pid)) AS text
    FROM pg_stat_activity AS activity
    WHERE datname = current_database() AND application_name = ${application}`.execute(queryable);
  return found.rows.map(({ text }) => text);
}

/** What nobody should hold when all is at rest: transactions that stand idle, are prepared, or lock by a number. */
export async function findHeldOpen(queryable: Queryable): Promise<string[]> {
  const found = await sql<{ text: string }>`
    SELECT concat_ws(' ', 'a transaction of', application_name, 'stands idle after', left(query, 80)) AS text
    FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'
      AND state_change < clock_timestamp() - ${idleMs}::double precision * interval '1 millisecond'
    UNION ALL
    SELECT concat_ws(' ', 'process', pid, 'holds an advisory lock') FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT 'the transaction ' || gid || ' is prepared' FROM pg_prepared_xacts
    WHERE database = current_database()`.execute(queryable);
  return found.rows.map(({ text }) => text);
}

import type { Database } from "@millrace/database";
import { sleep, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { sql } from "kysely";
import type { SessionMark, Sessions } from "../http/index.ts";

/** For so long a session that was signed out elsewhere may still be good here. A look is one indexed query. */
const lookEveryMs = 2_000;

type EndedRow = { readonly id: string; readonly endsAtSeconds: number; readonly signedOutAt: string };

export type EndedSessions = Service & {
  /** Resolves when every process will know of it, and after a restart too. Rejects when that can't be written. */
  readonly add: (session: SessionMark) => Promise<void>;
};

/**
 * Sign-outs in the database, for all processes: reads at the start those that still matter, and then those that are
 * new every two seconds. While the database is away, what was read before holds.
 */
export function createEndedSessions(parts: {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly logger: Logger;
}): EndedSessions {
  const { database, sessions, logger } = parts;
  const stopping = new AbortController();
  const { signal } = stopping;
  let newest = "-infinity";
  let watching: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    // A minute back, since what is written at the same time is not seen in the order of its times.
    const { rows } = await sql<EndedRow>`
      SELECT id, date_part('epoch', ends_at) AS "endsAtSeconds", signed_out_at::text AS "signedOutAt"
      FROM ended_session
      WHERE signed_out_at > ${newest}::timestamptz - interval '1 minute' AND ends_at > now()
      ORDER BY signed_out_at`.execute(database.background.queryable);
    for (const { id, endsAtSeconds } of rows) sessions.end({ id, endsAtSeconds });
    newest = rows.at(-1)?.signedOutAt ?? newest;
  };
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(lookEveryMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await look().catch((error: unknown) => {
        logger.warn({ err: toError(error) }, "could not look for sessions that were signed out elsewhere");
      });
    }
  };

  return {
    name: "signed-out sessions",
    start: async () => {
      if (watching !== undefined || signal.aborted) return;
      await look();
      // Embedded there is no other process to hear of.
      if (database.kind !== "embedded") watching ??= watch();
    },
    stop: async () => {
      stopping.abort();
      await watching;
    },
    add: async ({ id, endsAtSeconds }) => {
      // Those that would have ended by now are refused without their row.
      await sql`
        WITH over AS (DELETE FROM ended_session WHERE ends_at < now())
        INSERT INTO ended_session (id, ends_at) VALUES (${id}, to_timestamp(${endsAtSeconds}))
        ON CONFLICT (id) DO NOTHING`.execute(database.queryable);
    },
  };
}

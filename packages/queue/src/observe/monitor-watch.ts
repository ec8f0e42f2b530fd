import type { Database } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { sql } from "kysely";
import { isOpenAlarm } from "../alarms/alarm-row.ts";
import type { EventBus } from "../events/event-bus.ts";
import { isHeardOf } from "../worker/worker-row.ts";

/** Short enough that a person sees it happen, long enough to cost nothing: a few rows are read. */
const defaultEveryMs = 2_000;

type Fingerprint = { readonly topic: string; readonly print: string };

/**
 * Tells those who watch the monitor here what other processes do: queues paused or limited, workers that come,
 * go, fall silent or are asked for something, limits of tasks, alarms. What this process does itself, and what others
 * tell of at once, is told again by this.
 */
export function createMonitorWatch(parts: {
  readonly database: Database;
  readonly bus: EventBus;
  readonly logger: Logger;
  readonly everyMs?: number;
}): Service {
  const { database, bus, logger, everyMs = defaultEveryMs } = parts;
  const stopping = new AbortController();
  let known: ReadonlyMap<string, string> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    try {
      const found = await readFingerprints(database);
      for (const [topic, print] of found) {
        if (known === undefined || known.get(topic) === print) continue;
        bus.repeatNotice({ topic: "monitor", owner: null, type: `${topic}.changed`, data: {} });
      }
      known = found;
    } catch (error) {
      // It is seen with the next look; that the database is away is said elsewhere.
      logger.debug({ err: toError(error) }, "the monitor could not be watched this time");
    }
  };
  const schedule = (): void => {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      turn = look().then(schedule);
    }, everyMs);
  };
  return {
    name: "monitor watch",
    start: async () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await turn;
    },
  };
}

async function readFingerprints(database: Database): Promise<ReadonlyMap<string, string>> {
  const found = await sql<Fingerprint>`
    SELECT topic, md5(string_agg(said, ';' ORDER BY said)) AS print FROM (
      SELECT 'queue' AS topic, '' AS said UNION ALL SELECT 'worker', '' UNION ALL SELECT 'task', ''
      UNION ALL SELECT 'alarm', ''
      UNION ALL
      SELECT 'queue', concat_ws(' ', queue, updated_at, paused_at, resume_at <= now()) FROM queue_control
      UNION ALL
      SELECT 'task', concat_ws(' ', task, updated_at) FROM task_control
      UNION ALL
      SELECT 'alarm', concat_ws(' ', id, acknowledged_at) FROM alarm WHERE ${isOpenAlarm}
      UNION ALL
      SELECT 'worker', concat_ws(' ', id, state, concurrency, wanted_state, wanted_concurrency, broker, ${isHeardOf()})
      FROM worker
    ) AS facts GROUP BY topic`.execute(database.background.queryable);
  return new Map(found.rows.map(({ topic, print }) => [topic, print]));
}

import type { Database } from "@millrace/database";
import type { Lifecycle, Logger } from "@millrace/kernel";
import { createEventExchange, createPostgresRelay, createRedisRelay } from "@millrace/queue";
import type { EventExchange, Queue } from "@millrace/queue";
import type { Settings } from "../settings.ts";

/**
 * Tells other processes at once what this one commits: over Redis where there is one, else over PostgreSQL.
 * Undefined in embedded mode, where there is only this process.
 */
export async function startExchange(parts: {
  readonly settings: Pick<Settings, "DATABASE_URL" | "DATABASE_DIRECT_URL" | "REDIS_URL">;
  readonly database: Database;
  readonly queue: Pick<Queue, "bus">;
  /** Of what this installation has in Redis. */
  readonly prefix: string;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}): Promise<EventExchange | undefined> {
  const { settings, database, queue, prefix, logger, lifecycle } = parts;
  if (settings.DATABASE_URL === undefined) return undefined;
  const listenUrl = settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
  const relay =
    settings.REDIS_URL === undefined
      ? createPostgresRelay({ database, listenUrl, logger })
      : createRedisRelay({ url: settings.REDIS_URL, prefix, logger });
  const exchange = createEventExchange({ bus: queue.bus, relay, logger });
  await lifecycle.start(exchange);
  return exchange;
}

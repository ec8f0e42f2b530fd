import type { Database } from "@millrace/database";
import { MillraceError } from "@millrace/kernel";
import type { Lifecycle, Logger } from "@millrace/kernel";
import { openBroker } from "@millrace/queue";
import type { Broker } from "@millrace/queue";
import type { Settings } from "../settings.ts";
import { nameOf } from "./worker-name.ts";

/**
 * Throws `broker_needs_database_server` for a broker between processes where there can be only one: most likely
 * DATABASE_URL was forgotten, and its jobs would be in no place that the others know.
 */
export function assertBrokerFits(settings: Pick<Settings, "BROKER_URL" | "DATABASE_URL">): void {
  if (settings.BROKER_URL === undefined || settings.DATABASE_URL !== undefined) return;
  throw new MillraceError({
    code: "broker_needs_database_server",
    kind: "invalid",
    message:
      "BROKER_URL is set, which tells other processes of work, but the embedded database is for one process. Set DATABASE_URL too, or leave BROKER_URL out.",
  });
}

/** What carries hints between processes; in embedded mode, where there is only one, within it. */
export async function startBroker(parts: {
  readonly settings: Settings;
  readonly database: Database;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}): Promise<Broker> {
  const { settings, database, logger, lifecycle } = parts;
  const { BROKER_URL: url, DATABASE_URL, DATABASE_DIRECT_URL } = settings;
  const broker = await openBroker({
    url,
    directUrl: DATABASE_DIRECT_URL ?? DATABASE_URL,
    database,
    logger,
    name: nameOf(settings),
  });
  await lifecycle.start(broker);
  return broker;
}

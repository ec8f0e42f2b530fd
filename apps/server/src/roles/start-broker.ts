import type { Database } from "@millrace/database";
import type { Lifecycle, Logger } from "@millrace/kernel";
import { createMemoryBroker, createPostgresBroker } from "@millrace/queue";
import type { Broker } from "@millrace/queue";
import type { Settings } from "../settings.ts";

/** What carries hints between processes; in embedded mode, where there is only one, within it. */
export async function startBroker(parts: {
  readonly settings: Settings;
  readonly database: Database;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}): Promise<Broker> {
  const { settings, database, logger, lifecycle } = parts;
  if (settings.DATABASE_URL === undefined) return createMemoryBroker();
  const listenUrl = settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
  const broker = createPostgresBroker({ database, listenUrl, logger });
  await lifecycle.start(broker);
  return broker;
}

import type { Database } from "@millrace/database";
import type { Lifecycle, Logger } from "@millrace/kernel";
import type { QueueWorker } from "@millrace/queue";
import { createAlarmWatch } from "../alarms/alarm-watch.ts";
import { budgetReading } from "../alarms/budget-reading.ts";
import { goneWebhookReading } from "../alarms/gone-webhook.ts";
import { createEmbeddingAnnouncer } from "../search/announce-embedding.ts";
import type { Settings } from "../settings.ts";
import { readVersion } from "../version.ts";
import type { Installation } from "./open-installation.ts";
import { cacheChores } from "./open-cache.ts";
import { nameOf } from "./worker-name.ts";
import { parseWorkerQueues } from "./worker-queues.ts";

/** For handing jobs back and closing everything else, after the drain. */
const stopMs = 12_000;

/** The worker of a process, as the settings want it, not yet started. */
export function createWorker({ queue, database }: Installation, settings: Settings): QueueWorker {
  return queue.createWorker(workerOptions(settings, database));
}

/** Starts it after what its jobs need: models, and children that read documents. */
export async function startWorker(
  worker: QueueWorker,
  installation: Pick<Installation, "database" | "queue" | "models" | "extractor" | "recogniser">,
  { lifecycle, logger }: { readonly lifecycle: Lifecycle; readonly logger: Logger },
): Promise<void> {
  const { models, extractor, recogniser } = installation;
  const announcer = createEmbeddingAnnouncer({ ...installation, logger });
  for (const service of [extractor, recogniser, models, worker, announcer]) await lifecycle.start(service);
}

/**
 * Looks for what is wrong, in turns with all other processes. API processes look too: they are who is left to
 * tell when no worker runs.
 */
export async function startAlarms(
  { database, queue }: Pick<Installation, "database" | "queue">,
  {
    settings,
    logger,
    lifecycle,
  }: { readonly settings: Settings; readonly logger: Logger; readonly lifecycle: Lifecycle },
): Promise<void> {
  await lifecycle.start(
    createAlarmWatch({
      ...{ database, bus: queue.bus, settings, logger },
      readings: [budgetReading(settings), goneWebhookReading(settings.ALARM_WEBHOOK_URL)],
    }),
  );
}

/** How long the stop of a process may take whose worker lets jobs go on for a while. */
export function workerStopMs(settings: Pick<Settings, "WORKER_DRAIN_SECONDS">): number {
  return settings.WORKER_DRAIN_SECONDS * 1000 + stopMs;
}

function workerOptions(settings: Settings, database: Database) {
  // Embedded, the folder lock already proves that a former process is dead.
  const leaseMs = database.kind === "embedded" ? 20_000 : settings.WORKER_LEASE_SECONDS * 1000;
  return {
    name: nameOf(settings),
    version: readVersion(),
    concurrency: settings.WORKER_CONCURRENCY,
    ...(settings.WORKER_QUEUES === undefined ? {} : parseWorkerQueues(settings.WORKER_QUEUES)),
    leaseMs,
    beatMs: leaseMs / 4,
    pollMs: 2_000,
    drainMs: settings.WORKER_DRAIN_SECONDS * 1000,
    isolationEntry: new URL("./job-child.ts", import.meta.url),
    chores: cacheChores(database, settings),
    ...(settings.DATABASE_URL === undefined
      ? {}
      : { heartbeatUrl: settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL }),
  };
}

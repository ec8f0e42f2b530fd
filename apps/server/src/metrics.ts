import type { Logger } from "@millrace/kernel";
// An entry by itself: processes that run one job must not load prom-client.
import { queueReadings, registerQueueMetrics } from "@millrace/queue/metrics";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { QueueWorker } from "@millrace/queue";
import type { Installation } from "./roles/open-installation.ts";

/** What `/metrics` shows of the queue and of this process. Counts are read when asked for. */
export function addMetrics(
  {
    database,
    queue,
    broker,
    worker,
  }: Pick<Installation, "database" | "queue" | "broker"> & {
    /** Undefined in a process that runs no jobs. */
    readonly worker?: Pick<QueueWorker, "busySlots" | "concurrency"> | undefined;
  },
  { logger }: { readonly logger: Logger },
): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerQueueMetrics({
    registry,
    bus: queue.bus,
    hooks: queue.hooks,
    logger,
    ...queueReadings(database),
    watchedBroker: { broker, queues: [...new Set(queue.tasks.map((task) => task.queue))] },
    ...(worker === undefined ? {} : { slots: () => ({ busy: worker.busySlots, total: worker.concurrency }) }),
  });
  return registry;
}

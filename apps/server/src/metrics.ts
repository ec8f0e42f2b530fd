import type { Logger } from "@millrace/kernel";
// An entry by itself: processes that run one job must not load prom-client.
import { queueReadings, registerQueueMetrics } from "@millrace/queue/metrics";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { QueueWorker } from "@millrace/queue";
import { addModelMetrics } from "./model-metrics.ts";
import { addRedisMetrics } from "./redis-metrics.ts";
import type { Installation } from "./roles/open-installation.ts";
import type { Settings } from "./settings.ts";
import { addUsageMetrics } from "./usage-metrics.ts";

/** What `/metrics` shows of the queue and of this process. Counts are read when asked for. */
export function addMetrics(
  {
    database,
    queue,
    broker,
    cache,
    redis,
    usage,
    models,
    worker,
  }: Pick<Installation, "database" | "queue" | "broker" | "cache" | "redis" | "usage"> & {
    readonly models: Pick<Installation["models"], "endpoints">;
    /** Undefined in a process that runs no jobs. */
    readonly worker?: Pick<QueueWorker, "busySlots" | "concurrency"> | undefined;
  },
  { settings, logger }: { readonly settings: Settings; readonly logger: Logger },
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
  addRedisMetrics(registry, { cache, mirror: queue.mirror, redis });
  addUsageMetrics({ registry, logger, database, counts: usage.counts, settings });
  addModelMetrics(registry, models);
  return registry;
}

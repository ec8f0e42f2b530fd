import { alarmKinds, isTerminal, jobStates } from "@millrace/contracts";
import type { AlarmKind, JobState } from "@millrace/contracts";
import type { QueryAccess } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { alarmSeverities } from "../alarms/alarm-condition.ts";
import { countOpenAlarms } from "../alarms/alarm-row.ts";
import type { EventBus } from "../events/event-bus.ts";
import { countJobs } from "../counts/count-jobs.ts";
import { oldestWaits } from "../counts/queue-depths.ts";
import { addBroker } from "./broker-metrics.ts";
import type { WatchedBroker } from "./broker-metrics.ts";
import { countWorkers, workerStates } from "./count-workers.ts";
import type { WorkerCount } from "./count-workers.ts";
import type { Hooks } from "./hooks.ts";
import { addReading } from "./reading.ts";
import { TransitionMetrics } from "./transition-metrics.ts";
import type { KnownTask } from "./transition-metrics.ts";

export { addReading } from "./reading.ts";

export type QueueMetricsOptions = {
  readonly registry: Registry;
  readonly bus: EventBus;
  readonly hooks: Pick<Hooks, "on">;
  readonly logger: Logger;
  /** The jobs of each queue by state, whichever process runs them. */
  readonly readCounts: () => Promise<
    readonly { readonly queue: string; readonly state: JobState; readonly count: number }[]
  >;
  /** By queue, for how long the job that waits longest could have run. */
  readonly readOldestWaits: () => Promise<readonly { readonly queue: string; readonly seconds: number }[]>;
  readonly readWorkers: () => Promise<readonly WorkerCount[]>;
  readonly readAlarms: () => Promise<readonly { readonly kind: AlarmKind; readonly count: number }[]>;
  /** The slots of this process. Default: it runs no worker, and shows none. */
  readonly slots?: () => { readonly busy: number; readonly total: number };
  /** What carries the hints of this process. Default: it shows none. */
  readonly watchedBroker?: WatchedBroker;
  /** Their counters begin at zero, so that the first of each is seen as a rise. Default none. */
  readonly knownTasks?: readonly KnownTask[];
  /** Pairs of queue and task with series of their own; further ones are counted as `other`. Default 200. */
  readonly maxTasks?: number;
  /** What was not read by then is left out of the scrape, whose own limit is 10 s by default. Default 3000. */
  readonly readTimeoutMs?: number;
};

/** Four missed beats of the default lease: longer than any worker that works is silent. */
const defaultSilenceMs = 60_000;

/**
 * What a scrape reads, for `registerQueueMetrics`: four small statements that read no job. A worker is
 * silent when it was not heard of for `silentAfterMs`, by default a minute.
 */
export function queueReadings(
  database: QueryAccess,
  silentAfterMs: number = defaultSilenceMs,
): Pick<QueueMetricsOptions, "readCounts" | "readOldestWaits" | "readWorkers" | "readAlarms"> {
  return {
    readCounts: () => countJobs(database.queryable),
    readOldestWaits: () => oldestWaits(database.queryable),
    readWorkers: () => countWorkers(database, silentAfterMs),
    readAlarms: () => countOpenAlarms(database.queryable),
  };
}

const openStates = jobStates.filter((state) => !isTerminal(state));

/**
 * Registers the queue's metrics and counts from now on; returns what stops the counting. Depths, waits,
 * workers and alarms are read at each scrape. What can't be read is left out, with a warning in the log.
 */
export function registerQueueMetrics(options: QueueMetricsOptions): () => void {
  const { registry, bus, hooks, slots, maxTasks = 200, knownTasks = [] } = options;
  const transitions = new TransitionMetrics(registry, { maxTasks, knownTasks });
  const stale = new Counter({
    name: "millrace_stale_writes_refused_total",
    help: "Ends of attempts that no longer held their job",
    registers: [registry],
  });
  addDepths(options);
  addOldestWaits(options);
  addWorkers(options);
  addAlarms(options);
  if (options.watchedBroker !== undefined) addBroker(options, options.watchedBroker);
  if (slots !== undefined) addSlots(registry, slots);
  const stops = [
    bus.onTransition((transition) => transitions.count(transition)),
    hooks.on("write.refused", () => stale.inc()),
  ];
  return () => stops.forEach((stop) => stop());
}

function addDepths(options: QueueMetricsOptions): void {
  addReading(options, {
    name: "millrace_queue_depth",
    help: "Jobs that have not ended, by queue and state",
    labelNames: ["queue", "state"],
    read: async () => {
      const counts = await options.readCounts();
      const queues = [...new Set(counts.map(({ queue }) => queue))];
      // An alarm needs the zero of a queue without waiting jobs, not a series that is gone.
      const zeros = queues.flatMap((queue) => openStates.map((state) => ({ queue, state, count: 0 })));
      return [...zeros, ...counts.filter(({ state }) => !isTerminal(state))].map(
        ({ queue, state, count }) => ({ labels: { queue, state }, value: count }),
      );
    },
  });
}

function addOldestWaits(options: QueueMetricsOptions): void {
  addReading(options, {
    name: "millrace_queue_oldest_wait_seconds",
    help: "For how long the job that waits longest could have run",
    labelNames: ["queue"],
    read: async () =>
      (await options.readOldestWaits()).map(({ queue, seconds }) => ({ labels: { queue }, value: seconds })),
  });
}

function addWorkers(options: QueueMetricsOptions): void {
  addReading(options, {
    name: "millrace_workers",
    help: "Workers of all processes by state; silent ones have not been heard of in time",
    labelNames: ["state"],
    read: async () => {
      const counts = new Map((await options.readWorkers()).map(({ state, count }) => [state, count]));
      return workerStates.map((state) => ({ labels: { state }, value: counts.get(state) ?? 0 }));
    },
  });
}

function addAlarms(options: QueueMetricsOptions): void {
  addReading(options, {
    name: "millrace_alarms_open",
    help: "Alarms that are raised and not cleared, by kind",
    labelNames: ["kind", "severity"],
    read: async () => {
      const counts = new Map((await options.readAlarms()).map(({ kind, count }) => [kind, count]));
      return alarmKinds.map((kind) => ({
        labels: { kind, severity: alarmSeverities[kind] },
        value: counts.get(kind) ?? 0,
      }));
    },
  });
}

function addSlots(registry: Registry, slots: NonNullable<QueueMetricsOptions["slots"]>): void {
  const busy = new Gauge({
    name: "millrace_worker_busy_slots",
    help: "Jobs that this process runs now",
    registers: [],
    collect() {
      this.set(slots().busy);
    },
  });
  const total = new Gauge({
    name: "millrace_worker_slots",
    help: "Jobs that this process can run at once",
    registers: [],
    collect() {
      this.set(slots().total);
    },
  });
  registry.registerMetric(busy);
  registry.registerMetric(total);
}

import { countOpenJobs } from "@millrace/queue";
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { Installation } from "./roles/open-installation.ts";

/** What `/metrics` shows of the queue and of this process. Counts are read when asked for. */
export function addMetrics({ database, queue, worker }: Installation): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const openJobs = new Gauge({
    name: "millrace_jobs_open",
    help: "Jobs that have not ended, by queue and state",
    labelNames: ["queue", "state"],
    registers: [],
    async collect() {
      this.reset();
      for (const { queue: name, state, count } of await countOpenJobs(database.queryable)) {
        this.set({ queue: name, state }, count);
      }
    },
  });
  const busySlots = new Gauge({
    name: "millrace_worker_busy_slots",
    help: "Jobs that this process runs now",
    registers: [],
    collect() {
      this.set(worker.busySlots);
    },
  });
  const staleWrites = new Counter({
    name: "millrace_stale_writes_refused_total",
    help: "Ends of attempts that no longer held their job",
    registers: [],
    collect() {
      this.reset();
      this.inc(queue.staleWrites);
    },
  });
  for (const metric of [openJobs, busySlots, staleWrites]) registry.registerMetric(metric);
  return registry;
}

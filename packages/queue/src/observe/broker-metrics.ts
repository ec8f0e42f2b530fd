import type { Logger } from "@millrace/kernel";
import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { Broker, BrokerStatus } from "../brokers/broker.ts";
import { addReading } from "./reading.ts";

/** A broker, and the queues whose hints are counted. */
export type WatchedBroker = {
  readonly broker: Pick<Broker, "status" | "depth">;
  readonly queues: readonly string[];
};

/** Registers what is to be seen of the broker of this process; hints that wait are asked for at each scrape. */
export function addBroker(
  options: { readonly registry: Registry; readonly logger: Logger; readonly readTimeoutMs?: number },
  { broker, queues }: WatchedBroker,
): void {
  const { registry } = options;
  addFlag(registry, broker, {
    name: "millrace_broker_hearing",
    help: "1 while hints of other processes are heard here",
    read: ({ isHearing }) => isHearing,
  });
  addFlag(registry, broker, {
    name: "millrace_broker_telling",
    help: "1 while hints of this process reach the others",
    read: ({ isTelling }) => isTelling,
  });
  addReplacedQueues(registry, broker);
  addReading(options, {
    name: "millrace_broker_hints_waiting",
    help: "Hints that wait in the broker for a worker with room, by queue; none where brokers keep none",
    labelNames: ["queue"],
    read: async () => {
      const depths = await Promise.all(
        queues.map(async (queue) => ({ queue, depth: await broker.depth(queue) })),
      );
      return depths.flatMap(({ queue, depth }) =>
        depth === undefined ? [] : [{ labels: { queue }, value: depth }],
      );
    },
  });
}

function addFlag(
  registry: Registry,
  broker: Pick<Broker, "status">,
  {
    name,
    help,
    read,
  }: { readonly name: string; readonly help: string; readonly read: (status: BrokerStatus) => boolean },
): void {
  const gauge = new Gauge({
    name,
    help,
    labelNames: ["kind"],
    registers: [],
    collect() {
      const status = broker.status();
      this.set({ kind: status.kind }, read(status) ? 1 : 0);
    },
  });
  registry.registerMetric(gauge);
}

function addReplacedQueues(registry: Registry, broker: Pick<Broker, "status">): void {
  const counter = new Counter({
    name: "millrace_broker_queues_replaced_total",
    help: "Queues that the broker could no longer serve and that this process made anew",
    labelNames: ["kind"],
    registers: [],
    collect() {
      const { kind, replacedQueues = 0 } = broker.status();
      this.reset();
      this.inc({ kind }, replacedQueues);
    },
  });
  registry.registerMetric(counter);
}

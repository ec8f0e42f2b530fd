import { silentLogger } from "@millrace/kernel";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { addBroker } from "./broker-metrics.ts";

it("counts the queues that this process made anew in the broker", async () => {
  const registry = new Registry();
  const status = { kind: "rabbitmq", isHearing: true, isTelling: true, replacedQueues: 2 } as const;
  const broker = { status: () => status, depth: () => Promise.resolve(undefined) };
  addBroker({ registry, logger: silentLogger }, { broker, queues: [] });

  await registry.metrics();
  const scraped = await registry.metrics();

  expect(scraped).toContain('millrace_broker_queues_replaced_total{kind="rabbitmq"} 2');
});

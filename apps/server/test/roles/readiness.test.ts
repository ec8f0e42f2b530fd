import { silentLogger } from "@millrace/kernel";
import { createMemoryBroker, Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { expect, it } from "vitest";
import { createReadiness } from "../../src/roles/readiness.ts";

it("says nothing of hints where there is only one process", async () => {
  const opened = await testDatabases()
    .find(({ name }) => name === "embedded")!
    .open();
  const { database } = opened;
  const queue = new Queue({ database, logger: silentLogger, handlers: [] });
  const worker = queue.createWorker({
    name: "w",
    concurrency: 1,
    queues: ["tests"],
    leaseMs: 20_000,
    beatMs: 5_000,
    pollMs: 2_000,
    drainMs: 0,
  });

  const { checks, warnings } = await createReadiness({ database, worker, broker: createMemoryBroker() })();
  await opened.close();

  expect(Object.keys(checks)).toEqual(["database", "schema", "worker"]);
  expect(warnings).toEqual([]);
});

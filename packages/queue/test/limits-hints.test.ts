import { silentLogger } from "@millrace/kernel";
import { testDatabases, waitFor } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { defineTask, handleTask, Queue } from "../src/index.ts";
import type { Broker } from "../src/index.ts";

const task = defineTask({
  name: "tests.limited",
  queue: "limited",
  input: z.object({ gate: z.union([z.literal(0), z.literal(1)]) }),
  output: z.object({}),
  concurrency: 100,
});

describe.each(testDatabases())("a hint of a queue with limits on $name", (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await kind.open();
  });
  afterAll(() => opened.close());

  it("goes to others when this worker is full, though it took the oldest alone before", async () => {
    const settled: boolean[] = [];
    let started = 0;
    const memory = createMemoryBroker();
    const broker: Broker = {
      ...memory,
      subscribe: (queues, onHint) => ({
        ...memory.subscribe(queues, onHint),
        settle: (_queue, isMore) => void settled.push(isMore),
      }),
    };
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const handler = handleTask({
      task,
      run: async ({ input }) => {
        started++;
        await gates[input.gate].promise;
        return {};
      },
    });
    const queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [handler], broker });
    const worker = queue.createWorker({ name: "w", concurrency: 10, pollMs: 3_600_000 });
    await worker.start();
    const add = (count: number, gate: 0 | 1): Promise<unknown> =>
      queue.addMany(Array.from({ length: count }, () => ({ task, input: { gate } })));
    await add(10, 0);
    await waitFor(() => worker.busySlots === 10, { describe: "the slots to be full" });
    await add(30, 1);
    settled.length = 0;

    // After ten that went first the next claim takes the oldest by itself.
    gates[0].resolve();
    await waitFor(() => started === 20, { describe: "the slots to be full again" });

    expect(settled).not.toContain(false);
    gates[1].resolve();
    await worker.stop();
  });
});

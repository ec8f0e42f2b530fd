import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import type { Broker, QueueWorker } from "../../src/index.ts";
import { quiet } from "./broker-scene.ts";
import { numberedTask, startNumberWorker } from "./numbered-jobs.ts";

let opened: TestDatabase;
let worker: QueueWorker;
let settled: boolean[];
let tell: () => void;
const task = numberedTask();
beforeAll(async () => {
  const [embedded] = testDatabases();
  if (embedded === undefined) throw new Error("there is always the embedded database");
  opened = await embedded.open();
});
beforeEach(async () => {
  settled = [];
  const broker: Broker = {
    ...createMemoryBroker(),
    subscribe: (_queues, onHint) => {
      tell = () => onHint(task.queue);
      return {
        settle: (_queue, isMore) => void settled.push(isMore),
        receive: () => undefined,
        close: () => undefined,
      };
    },
  };
  ({ worker } = await startNumberWorker({ broker, database: opened.database }, task));
  settled.length = 0;
});
afterEach(() => worker.stop());
afterAll(() => opened.close());

it("settles the hints of a queue with the claim that they led to", async () => {
  tell();

  await expect.poll(() => settled).toEqual([false]);
});

it("does not settle with a claim the hint that came after it had begun", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  // In embedded mode nothing else runs meanwhile: the claim has begun and waits.
  const blocking = opened.database.queryable.transaction().execute(async () => {
    begun.resolve();
    await gate.promise;
  });
  await begun.promise;

  tell();
  await quiet();
  tell();
  gate.resolve();
  await blocking;

  await expect.poll(() => settled).toEqual([false]);
  await quiet();
  expect(settled).toEqual([false]);
});

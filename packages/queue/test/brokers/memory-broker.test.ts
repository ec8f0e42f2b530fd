import { expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { createMemoryBroker } from "../../src/index.ts";
import { memoryKind } from "./broker-kinds.ts";
import { quiet } from "./broker-scene.ts";
import { describeBroker } from "./conformance-suite.ts";
import { numberedTask, numbers, queueOf, startNumberWorker } from "./numbered-jobs.ts";
import { openMemoryScene } from "./scenes.ts";

describeBroker(memoryKind);

it("is what starts jobs: without its hints they wait for the poll", async () => {
  const scene = await openMemoryScene();
  const { broker, database } = await scene.openProcess();
  const task = numberedTask();
  const { ran, worker } = await startNumberWorker({ broker, database }, task);
  const unheard = queueOf({ broker: createMemoryBroker(), database }, { tasks: [task] });

  for (const nth of numbers(5)) await unheard.add(task, { nth });
  await quiet();
  const meanwhile = [...ran];
  broker.announce(bareHint(task.queue));
  await expect.poll(() => ran.toSorted((a, b) => a - b)).toEqual(numbers(5));

  expect(meanwhile).toEqual([]);
  await worker.stop();
  await scene.clear();
  await scene.close();
});

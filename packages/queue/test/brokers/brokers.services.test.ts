import { silentLogger } from "@millrace/kernel";
import { expect, it } from "vitest";
import { quiet } from "./broker-scene.ts";
import { numberedTask, numbers, queueOf, startNumberWorker } from "./numbered-jobs.ts";
import { postgresRemote } from "./postgres-remote.ts";
import { RabbitMqScene, rabbitMqRemote } from "./rabbitmq-scene.ts";
import { openRedisPlace, redisRemote } from "./redis-scene.ts";
import { openRemoteScene } from "./scenes.ts";

it("loses no job, and runs each once, where processes have different brokers", async () => {
  const scene = await openRemoteScene(postgresRemote);
  const remotes = [redisRemote(await openRedisPlace()), rabbitMqRemote(await RabbitMqScene.open())];
  try {
    const task = numberedTask();
    // They do not hear each other: what the poll does not find stays.
    const workers: Awaited<ReturnType<typeof startNumberWorker>>[] = [];
    for (const remote of remotes) {
      const { database } = await scene.openProcess();
      const broker = remote.create({ url: remote.url(""), database, logger: silentLogger });
      scene.atEnd(() => broker.stop());
      await broker.start();
      const started = await startNumberWorker({ broker, database }, task, { concurrency: 2, pollMs: 50 });
      scene.atEnd(() => started.worker.stop());
      workers.push(started);
    }
    const queue = queueOf(await scene.openProcess(), { tasks: [task] });

    for (const nth of numbers(40)) await queue.add(task, { nth });

    const all = (): number[] => workers.flatMap(({ ran }) => ran).toSorted((a, b) => a - b);
    await expect.poll(all).toEqual(numbers(40));
    await quiet();
    expect(all()).toEqual(numbers(40));
  } finally {
    await scene.clear();
    for (const remote of remotes) await remote.close?.();
    await scene.close();
  }
});

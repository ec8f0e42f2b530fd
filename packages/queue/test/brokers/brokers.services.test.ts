import { silentLogger } from "@millrace/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createRabbitMqBroker } from "../../src/brokers/rabbitmq/rabbitmq-broker.ts";
import type { BrokerKind, BrokerScene } from "./broker-scene.ts";
import { patient, quiet } from "./broker-scene.ts";
import { describeJobs } from "./conformance-jobs.ts";
import { numberedTask, numbers, queueOf, startNumberWorker } from "./numbered-jobs.ts";
import { postgresRemote } from "./postgres-remote.ts";
import { RabbitMqScene, shortTimes } from "./rabbitmq-scene.ts";
import { openRedisPlace, redisRemote } from "./redis-scene.ts";
import { openRemoteScene } from "./scenes.ts";
import type { RemoteBroker } from "./scenes.ts";

const openRedis = async (): Promise<RemoteBroker> => redisRemote(await openRedisPlace());

async function openRabbitMq(): Promise<RemoteBroker> {
  const server = await RabbitMqScene.open();
  return {
    url: () => server.url,
    create: ({ url, logger }) => server.follow(createRabbitMqBroker({ url, logger, times: shortTimes })),
    close: () => server.close(),
  };
}

const pooled = async (remote: RemoteBroker): Promise<BrokerScene> =>
  await openRemoteScene({ ...remote, isPooled: true });

const kinds: readonly BrokerKind[] = [
  { kind: "redis", isCompeting: true, isRemote: true, open: async () => pooled(await openRedis()) },
  { kind: "rabbitmq", isCompeting: true, isRemote: true, open: async () => pooled(await openRabbitMq()) },
];

describe.each(kinds)("behind pgBouncer, with hints by $kind, a worker", (kind) => {
  let scene: BrokerScene;
  beforeAll(async () => {
    scene = await kind.open();
  });
  afterEach(() => scene.clear());
  afterAll(() => scene.close());

  describeJobs(kind, () => scene);
});

it("loses no job, and runs each once, where processes have different brokers", async () => {
  const scene = await openRemoteScene(postgresRemote);
  const remotes = [await openRedis(), await openRabbitMq()];
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
    await expect.poll(all, patient).toEqual(numbers(40));
    await quiet();
    expect(all()).toEqual(numbers(40));
  } finally {
    await scene.clear();
    for (const remote of remotes) await remote.close?.();
    await scene.close();
  }
});

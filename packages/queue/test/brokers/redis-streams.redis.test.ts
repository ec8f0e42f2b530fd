import { silentLogger } from "@millrace/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Broker } from "../../src/index.ts";
import { bareHint } from "../../src/brokers/hint.ts";
import { queueName, quiet } from "./broker-scene.ts";
import { openRedisPlace } from "./redis-scene.ts";
import type { RedisPlace } from "./redis-scene.ts";

let redis: RedisPlace;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  redis = await openRedisPlace();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});
afterAll(() => redis.close());

async function startBroker(options: Partial<Parameters<RedisPlace["createBroker"]>[0]> = {}) {
  const broker = redis.createBroker({ url: redis.url, logger: silentLogger, ...options });
  stops.push(() => broker.stop());
  await broker.start();
  return broker;
}

async function listen(broker: Broker, queue: string) {
  const heard: string[] = [];
  const subscription = broker.subscribe([queue], () => void heard.push(queue));
  await expect.poll(() => heard).toEqual([queue]);
  heard.length = 0;
  return { heard, subscription };
}

const consumers = async (queue: string): Promise<unknown[]> =>
  (await redis.client.xinfo("CONSUMERS", redis.streamOf(queue), "workers")) as unknown[];

it("writes what an operator looks for: the queue, how many, a few ids, task and priority", async () => {
  const queue = queueName();
  const broker = await startBroker();

  broker.announce({ queue, count: 3, jobIds: ["a", "b"], task: "tests.run", priority: 5 });
  await expect.poll(() => broker.depth(queue)).toBe(1);

  const [entry] = await redis.client.xrange(redis.streamOf(queue), "-", "+");
  expect(entry?.[1][0]).toBe("hint");
  expect(JSON.parse(entry?.[1][1] ?? "")).toEqual({
    queue,
    count: 3,
    job_ids: ["a", "b"],
    task: "tests.run",
    priority: 5,
  });
});

it("loses no count of a burst", async () => {
  const queue = queueName();
  const broker = await startBroker();

  for (let nth = 0; nth < 10_000; nth++) broker.announce(bareHint(queue));
  await broker.stop();

  const entries = await redis.client.xrange(redis.streamOf(queue), "-", "+");
  const counts = entries.map(([, fields]) => (JSON.parse(fields[1] ?? "") as { count: number }).count);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect(counts.length).toBeLessThanOrEqual(2);
});

it("passes on with the counts of all that it held", async () => {
  const queue = queueName();
  const broker = await startBroker();
  const { heard, subscription } = await listen(broker, queue);
  for (let nth = 1; nth <= 3; nth++) {
    broker.announce({ ...bareHint(queue), count: 5 });
    await expect.poll(() => heard).toHaveLength(nth);
  }

  subscription.close();

  await expect.poll(() => consumers(queue)).toEqual([]);
  const entries = await redis.client.xrange(redis.streamOf(queue), "-", "+");
  expect(entries.map(([, fields]) => JSON.parse(fields[1] ?? "") as unknown)).toEqual([
    { queue, count: 15, job_ids: [] },
  ]);
});

it("removes its consumer and its connections when it stops", async () => {
  const queue = queueName();
  const broker = await startBroker();
  await listen(broker, queue);
  expect(await consumers(queue)).toHaveLength(1);
  await expect.poll(ourClients).toBe(2);

  await broker.stop();

  expect(await consumers(queue)).toEqual([]);
  await expect.poll(ourClients).toBe(0);
});

async function ourClients(): Promise<number> {
  const list = (await redis.client.client("LIST")) as string;
  return list.split("\n").filter((line) => line.includes(`name=${redis.keyPrefix}`)).length;
}

it("removes consumers of dead processes that hold nothing", async () => {
  const queue = queueName();
  const broker = await startBroker({ times: { deadMs: 1_000 } });
  await listen(broker, queue);
  await redis.client.xgroup("CREATECONSUMER", redis.streamOf(queue), "workers", "dead");
  expect(await consumers(queue)).toHaveLength(2);

  await expect.poll(() => consumers(queue)).toHaveLength(1);

  expect(JSON.stringify(await consumers(queue))).not.toContain("dead");
});

describe("a hint that comes while there is no room", () => {
  const hourMs = 3_600_000;

  /** The read that waits already still brings it. */
  async function listenWithoutRoom(graceMs: number) {
    const queue = queueName();
    const broker = await startBroker({ times: { graceMs, blockMs: 10_000 } });
    const { heard, subscription } = await listen(broker, queue);
    broker.announce(bareHint(queue));
    await expect.poll(() => heard).toEqual([queue]);
    // The next read is on its way.
    await quiet();
    subscription.receive(false);
    broker.announce(bareHint(queue));
    return { queue, broker, heard, subscription, pending: () => pendingOf(queue) };
  }

  it("is not settled by a claim that has not seen its job, and is told of when there is room", async () => {
    const { queue, heard, subscription, pending } = await listenWithoutRoom(hourMs);
    await expect.poll(pending).toBe(2);
    await quiet();

    subscription.settle(queue, false);
    await expect.poll(pending).toBe(1);
    expect(heard).toEqual([queue]);
    subscription.receive(true);

    expect(heard).toEqual([queue, queue]);
    subscription.settle(queue, false);
    await expect.poll(pending).toBe(0);
  });

  it("goes to others with those that were held when there is no room for a while", async () => {
    const { broker, queue, pending } = await listenWithoutRoom(300);

    await expect.poll(pending).toBe(0);
    expect(await broker.depth(queue)).toBe(1);
    const [entry] = await redis.client.xrange(redis.streamOf(queue), "-", "+");
    expect(JSON.parse(entry?.[1][1] ?? "")).toMatchObject({ count: 2 });
  });
});

async function pendingOf(queue: string): Promise<unknown> {
  return (await redis.client.xpending(redis.streamOf(queue), "workers"))[0];
}

it("forgets hints that were deleted while they were held", async () => {
  const queue = queueName();
  const broker = await startBroker();
  const { heard, subscription } = await listen(broker, queue);
  broker.announce(bareHint(queue));
  await expect.poll(() => heard).toEqual([queue]);
  await redis.client.xtrim(redis.streamOf(queue), "MAXLEN", 0);

  subscription.close();

  await expect.poll(() => consumers(queue)).toEqual([]);
  expect(await broker.depth(queue)).toBe(0);
});

it("forgets hints of a vanished consumer that were deleted", async () => {
  const queue = queueName();
  const stream = redis.streamOf(queue);
  const broker = await startBroker();
  const { heard, subscription } = await listen(broker, queue);
  subscription.receive(false);
  // What a blocked read may still bring is given back: then nobody reads.
  await expect.poll(() => broker.depth(queue)).toBe(0);
  broker.announce(bareHint(queue));
  await redis.client.xreadgroup("GROUP", "workers", "vanished", "BLOCK", 2_000, "STREAMS", stream, ">");
  await redis.client.xtrim(stream, "MAXLEN", 0);

  subscription.receive(true);

  await expect.poll(() => pendingOf(queue)).toBe(0);
  heard.length = 0;
  broker.announce(bareHint(queue));
  await expect.poll(() => heard).toEqual([queue]);
});

it("hears again after somebody has deleted its stream", async () => {
  const queue = queueName();
  const broker = await startBroker();
  const { heard } = await listen(broker, queue);

  await redis.client.del(redis.streamOf(queue));
  await expect.poll(() => heard).toEqual([queue]);
  broker.announce(bareHint(queue));

  await expect.poll(() => heard).toEqual([queue, queue]);
});

it("hears again after somebody has deleted its group", async () => {
  const queue = queueName();
  const broker = await startBroker();
  const { heard } = await listen(broker, queue);

  await redis.client.xgroup("DESTROY", redis.streamOf(queue), "workers");
  await expect.poll(() => heard).toEqual([queue]);
  broker.announce(bareHint(queue));

  await expect.poll(() => heard).toEqual([queue, queue]);
});

it("keeps what took the place of its stream under another name, and hears again", async () => {
  const queue = queueName();
  const stream = redis.streamOf(queue);
  const broker = await startBroker();
  const { heard } = await listen(broker, queue);

  await redis.client.multi().del(stream).set(stream, "a string").exec();

  await expect.poll(() => heard).toContain(queue);
  await expect.poll(() => redis.client.get(`${stream}:foreign`)).toBe("a string");
  await redis.client.del(`${stream}:foreign`);
  await expect.poll(() => broker.status()).toEqual({ kind: "redis", isHearing: true, isTelling: true });
  heard.length = 0;
  broker.announce(bareHint(queue));
  await expect.poll(() => heard).toEqual([queue]);
});

it("says what is wrong while something has the name of its stream that can't be moved away", async () => {
  const queue = queueName();
  const broker = await startBroker();
  await redis.client.set(`${redis.streamOf(queue)}:foreign`, "from an earlier time");
  await redis.client.set(redis.streamOf(queue), "a string");
  broker.announce(bareHint(queue));
  const heard: string[] = [];
  broker.subscribe([queue], () => void heard.push(queue));
  await expect.poll(() => broker.status()).toMatchObject({ isHearing: false, isTelling: false });

  await redis.client.del(redis.streamOf(queue), `${redis.streamOf(queue)}:foreign`);

  await expect.poll(() => broker.status()).toEqual({ kind: "redis", isHearing: true, isTelling: true });
  expect(heard.length).toBeGreaterThan(0);
});

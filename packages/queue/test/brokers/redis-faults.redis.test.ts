/** What happens to a server of the tests' own. */
import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import { startRedisServer, testDatabases } from "@millrace/testing";
import type { RedisServer, TestDatabase } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import type { Broker } from "../../src/index.ts";
import { recordingLogger } from "../postgres-broker-scene.ts";
import type { Warning } from "../postgres-broker-scene.ts";
import { queueName, quiet } from "./broker-scene.ts";
import { numberedTask, numbers, queueOf, startNumberWorker } from "./numbered-jobs.ts";
import { openRedisPlace } from "./redis-scene.ts";
import type { RedisPlace } from "./redis-scene.ts";

let opened: TestDatabase;
let server: RedisServer;
let redis: RedisPlace;
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  opened = await kind.open();
});
beforeEach(async () => {
  server = await startRedisServer();
  redis = await openRedisPlace(server.url);
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  redis.client.disconnect();
  await server.kill();
});
afterAll(() => opened.close());

type Opened = { readonly broker: Broker; readonly database: Database; readonly told: readonly Warning[] };

async function openProcess(url = server.url): Promise<Opened> {
  const { logger, told } = recordingLogger();
  const database = openPostgres({ url: opened.url ?? "", poolSize: 4, logger: silentLogger });
  ends.push(() => database.close());
  const broker = redis.createBroker({ url, logger });
  ends.push(() => broker.stop());
  await broker.start();
  return { broker, database, told };
}

async function listen({ broker }: Pick<Opened, "broker">, queue: string): Promise<string[]> {
  const heard: string[] = [];
  broker.subscribe([queue], () => void heard.push(queue));
  await expect.poll(() => heard).toEqual([queue]);
  heard.length = 0;
  return heard;
}

it("runs all jobs while somebody empties the server again and again", async () => {
  const task = numberedTask();
  const { ran, worker } = await startNumberWorker(await openProcess(), task, { concurrency: 2 });
  ends.push(() => worker.stop());
  const caller = await openProcess();
  const queue = queueOf(caller, { tasks: [task] });

  for (const nth of numbers(60)) {
    await queue.add(task, { nth });
    if (nth % 10 === 5) await redis.client.flushall();
  }

  await expect.poll(() => ran.toSorted((a, b) => a - b)).toEqual(numbers(60));
});

it("runs what was added while the server was dead, when it is back empty", async () => {
  const task = numberedTask();
  const process = await openProcess();
  const { ran, worker } = await startNumberWorker(process, task);
  ends.push(() => worker.stop());
  const caller = await openProcess();
  const queue = queueOf(caller, { tasks: [task] });

  await server.kill();
  await expect.poll(() => process.broker.status().isHearing).toBe(false);
  for (const nth of numbers(5)) await queue.add(task, { nth });
  await quiet();
  expect(ran).toEqual([]);
  await server.restart();

  await expect.poll(() => ran.toSorted((a, b) => a - b)).toEqual(numbers(5));
  await queue.add(task, { nth: 5 });
  await expect.poll(() => ran).toContain(5);
});

it("notices a server that hangs, and hears when it goes on", async () => {
  const queue = queueName();
  const process = await openProcess();
  const heard = await listen(process, queue);

  server.pause();
  await expect.poll(() => process.broker.status()).toMatchObject({ isHearing: false, isTelling: false });
  server.resume();

  await expect.poll(() => heard).toContain(queue);
  await expect
    .poll(() => process.broker.status())
    .toEqual({ kind: "redis", isHearing: true, isTelling: true });
});

it("keeps hints that a full server refuses, and meanwhile tells its own subscribers", async () => {
  const queue = queueName();
  const teller = await openProcess();
  const own = await listen(teller, queue);
  const others = await listen(await openProcess(), queue);
  await redis.client.config("SET", "maxmemory", "1");

  teller.broker.announce(bareHint(queue));
  await expect.poll(() => own).toContain(queue);
  await expect.poll(() => teller.broker.status().trouble).toMatch(/takes no hints/);
  own.length = 0;
  for (let nth = 0; nth < 100; nth++) teller.broker.announce(bareHint(queue));
  expect(own).toContain(queue);
  expect(others).toEqual([]);
  expect(teller.told.filter(({ level }) => level === "warn")).toHaveLength(1);
  own.length = 0;
  await redis.client.config("SET", "maxmemory", "0");

  await expect.poll(() => [...own, ...others]).toContain(queue);
  await expect.poll(() => teller.broker.status()).toMatchObject({ isTelling: true });
  expect(teller.broker.status().trouble).toBeUndefined();
});

it("passes on hints of other queues at once while those of one are refused", async () => {
  const { broker, told } = await openProcess();
  const [refused, taken] = [queueName(), queueName()];
  const heard = await listen(await openProcess(), taken);
  await redis.client.set(redis.streamOf(refused), "somebody's");
  broker.announce(bareHint(refused));
  await expect.poll(() => broker.status().isTelling).toBe(false);

  for (const nth of numbers(20)) {
    broker.announce(bareHint(taken));
    broker.announce(bareHint(refused));
    await expect.poll(() => heard.length, { timeout: 500 }).toBe(nth + 1);
  }

  expect(broker.status().isTelling).toBe(false);
  expect(told).toHaveLength(1);
  await redis.client.del(redis.streamOf(refused));
  await expect.poll(() => broker.status().isTelling).toBe(true);
});

it("leaves a server that has become a replica, and hears and tells when it is none", async () => {
  const queue = queueName();
  const process = await openProcess();
  const heard = await listen(process, queue);
  await redis.client.replicaof("127.0.0.1", 1);
  const before = await connections();

  process.broker.announce(bareHint(queue));
  await expect.poll(() => process.broker.status()).toMatchObject({ isHearing: false, isTelling: false });
  // New connections, because behind the same address another server may answer.
  await expect.poll(connections).toBeGreaterThan(before + 4);
  // One of the hint and one of each connection, however often it tries.
  expect(process.told).toHaveLength(3);
  await redis.client.replicaof("NO", "ONE");

  await expect
    .poll(() => process.broker.status())
    .toEqual({ kind: "redis", isHearing: true, isTelling: true });
  expect(heard).toContain(queue);
});

it("says that its password is refused, tries again without haste, and tells nobody the password", async () => {
  await redis.client.config("SET", "requirepass", "right");
  const wrong = server.url.replace("redis://", "redis://:wrong-secret@");
  const before = await connections();
  const startedMs = performance.now();
  const { broker, told } = await openProcess(wrong);
  broker.subscribe([queueName()], () => undefined);

  await expect.poll(() => broker.status().trouble).toMatch(/refuses.*BROKER_URL/s);
  await sleep(500);

  // Each pause is 20 ms at least after the first failure, and then 40.
  const most = (performance.now() - startedMs) / 40 + 3;
  expect((await connections()) - before).toBeLessThanOrEqual(most);
  expect(told).toHaveLength(1);
  expect(JSON.stringify([told, broker.status()])).not.toContain("wrong-secret");
});

async function connections(): Promise<number> {
  const stats = await redis.client.info("stats");
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}

it("comes in with the right password", async () => {
  await redis.client.config("SET", "requirepass", "right");
  const { broker } = await openProcess(server.url.replace("redis://", "redis://:right@"));

  await expect.poll(() => broker.status().isTelling).toBe(true);
});

it("warns once of a server that throws keys away", async () => {
  await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
  const queue = queueName();
  const process = await openProcess();
  const heard = await listen(process, queue);
  await expect.poll(() => process.told.map(({ text }) => text)).toHaveLength(1);

  await redis.client.call("CLIENT", "KILL", "TYPE", "normal");
  await expect.poll(() => heard).toContain(queue);
  await expect.poll(() => process.broker.status().isTelling).toBe(true);

  const warnings = process.told.filter(({ text }) => text.includes("maxmemory-policy"));
  expect(warnings).toHaveLength(1);
});

it.each(["noeviction", "volatile-ttl", "volatile-lru"])(
  "says nothing of a server that throws away what has an end alone: %s",
  async (policy) => {
    await redis.client.config("SET", "maxmemory-policy", policy);
    const queue = queueName();
    const { broker, told } = await openProcess();
    const heard = await listen({ broker }, queue);

    broker.announce(bareHint(queue));
    await expect.poll(() => heard).toEqual([queue]);

    expect(told).toEqual([]);
  },
);

it("needs no more rights than the documentation says", async () => {
  const rights =
    "XADD XACK XDEL XLEN XTRIM XGROUP XREADGROUP XAUTOCLAIM XINFO RENAMENX MULTI EXEC PING INFO CLIENT";
  const allowed = rights.split(" ").map((command) => `+${command}`);
  await redis.client.call("ACL", "SETUSER", "millrace", "on", ">right", "~*millrace.*", ...allowed);
  const queue = queueName();
  const { broker, told } = await openProcess(server.url.replace("redis://", "redis://millrace:right@"));
  const heard = await listen({ broker }, queue);

  broker.announce(bareHint(queue));
  await expect.poll(() => heard).toEqual([queue]);
  expect(await broker.depth(queue)).toBe(1);
  expect(await broker.purge(queue)).toBe(1);
  // By then others' hints have been looked for, too.
  await sleep(500);

  expect(broker.status()).toEqual({ kind: "redis", isHearing: true, isTelling: true });
  expect(told).toEqual([]);
});

import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import { defineTask, handleTask, openBroker, Queue } from "@millrace/queue";
import type { Broker } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ownRabbitmq, ownRedis } from "./ground/brokers.ts";
import { makePlace } from "./ground/place.ts";
import type { Place } from "./ground/place.ts";
import type { Server } from "./ground/server.ts";

/** What a broker is for, by a server of our own that is really stopped: the worker itself looks once an hour. */

const hourMs = 3_600_000;
/** RabbitMQ boots slowly on a machine that is busy with other things. */
const slowly = { timeout: 60_000 };
const bootMs = 240_000;
const task = defineTask({
  name: "tests.be_hinted",
  queue: "hinted",
  input: z.object({ nth: z.number() }),
  output: z.null(),
});

let place: Place;
let opened: TestDatabase;
const endings: (() => Promise<void>)[] = [];
beforeAll(async () => {
  place = await makePlace();
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  opened = await kind.open();
}, bootMs);
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});
afterAll(async () => {
  await opened?.close();
  await place?.clear();
});

/** A pool and a broker, as a process has them. */
async function openProcess(server: Server): Promise<{ broker: Broker; database: Database }> {
  const database = openPostgres({ url: opened.url ?? "", poolSize: 4, logger: silentLogger });
  endings.push(() => database.close());
  const broker = await openBroker({ url: server.url, database, logger: silentLogger });
  endings.push(() => broker.stop());
  await broker.start();
  return { broker, database };
}

/** Gives when each job started, by its number. */
async function startWorker(server: Server): Promise<{ broker: Broker; startedAtMs: Map<number, number> }> {
  const process = await openProcess(server);
  const startedAtMs = new Map<number, number>();
  const run = async ({ input }: { readonly input: { readonly nth: number } }): Promise<null> => {
    startedAtMs.set(input.nth, performance.now());
    return null;
  };
  const queue = new Queue({ ...process, logger: silentLogger, handlers: [handleTask({ task, run })] });
  const worker = queue.createWorker({
    ...{ name: "w", concurrency: 4, leaseMs: hourMs, beatMs: hourMs, pollMs: hourMs, drainMs: 50 },
  });
  endings.push(() => worker.stop());
  await worker.start();
  await expect.poll(() => process.broker.status(), slowly).toMatchObject({ isHearing: true });
  // It looks when it starts and when it begins to hear, and must not find by that what comes later.
  await sleep(1_000);
  return { broker: process.broker, startedAtMs };
}

it.each([
  ["Redis", ownRedis],
  ["RabbitMQ", ownRabbitmq],
] as const)(
  "%s starts jobs; stopped, it has them wait, and started again it has them run",
  async (name, own) => {
    const server = await own(place);
    await server.start();
    endings.push(() => server.kill9());
    const { broker, startedAtMs } = await startWorker(server);
    const caller = await openProcess(server);
    const queue = new Queue({ ...caller, logger: silentLogger, handlers: [], tasks: [task] });
    const add = async (nth: number): Promise<number> => {
      const addedMs = performance.now();
      await queue.add(task, { nth });
      return addedMs;
    };
    const medianMs = async (from: number): Promise<number> => {
      const tookMs: number[] = [];
      for (let nth = from; nth < from + 20; nth++) {
        const addedMs = await add(nth);
        await expect.poll(() => startedAtMs.has(nth)).toBe(true);
        tookMs.push(startedAtMs.get(nth)! - addedMs);
      }
      return tookMs.toSorted((a, b) => a - b)[10]!;
    };
    const beforeMs = await medianMs(0);

    await server.stop();
    await expect.poll(() => broker.status(), slowly).toMatchObject({ isHearing: false });
    for (let nth = 20; nth < 30; nth++) await add(nth);
    await sleep(3_000);
    const meanwhile = startedAtMs.size;
    await server.start();
    await expect.poll(() => startedAtMs.size, slowly).toBe(30);
    await expect.poll(() => caller.broker.status(), slowly).toMatchObject({ isTelling: true });
    const afterMs = await medianMs(30);

    process.stdout.write(
      `${name}: a job starts ${beforeMs.toFixed(1)} ms after its call, ${afterMs.toFixed(1)} ms after a restart (medians of 20)\n`,
    );
    expect(meanwhile).toBe(20);
    expect(beforeMs).toBeLessThan(1_000);
    expect(afterMs).toBeLessThan(1_000);
  },
  bootMs,
);

import type { Database, QueryAccess } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, EventBus, handleTask } from "../src/index.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { Claimer } from "../src/worker/claimer.ts";
import { clear, end, enqueue } from "./limits-scene.ts";

const shared = { input: z.unknown(), output: z.null() };
const handlers = [
  defineTask({ ...shared, name: "tests.limited", queue: "tests", concurrency: 1 }),
  defineTask({ ...shared, name: "tests.other", queue: "plain" }),
].map((task) => handleTask({ task, run: async () => null }));

/** A look that takes this long is followed by a rest of six seconds. */
const slowMs = 300;

/** What a worker does about queues in which jobs of tasks that it does not know are in its way. */
describe.each(testDatabases())("a claimer on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(() => clear(database.queryable));

  /** Its first look is slow. */
  const create = () => {
    let delayMs = slowMs;
    const delay = () => sleep(delayMs).then(() => void (delayMs = 0));
    const slow: QueryAccess = {
      queryable: database.queryable.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: ({ result }) => delay().then(() => result),
      }),
      transaction: (work) => delay().then(() => database.transaction(work)),
    };
    const claimer = new Claimer(
      {
        database: slow,
        bus: new EventBus(silentLogger),
        broker: { announce: () => undefined },
        registry: new TaskRegistry(handlers),
      },
      { worker: { id: newId(), name: "w" }, leaseMs: 60_000, pollMs: 60_000 },
    );
    const claim = async (queue: string): Promise<string[]> => {
      claimer.startRound();
      return (await claimer.claim({ queue, limit: 4, oldest: 0 })).jobs.map(({ id }) => id);
    };
    return { claimer, claim };
  };
  const block = (queue: string, count: number) =>
    enqueue(database.queryable, { queue, count, task: "tests.unknown" });

  it.each([
    ["tests", "tests.limited"],
    ["plain", "tests.other"],
  ])("lets %s rest after a slow look past many of them, whatever hints come", async (queue, task) => {
    const { claimer, claim } = create();
    await block(queue, 1_000);
    expect(await claim(queue)).toEqual([]);
    await enqueue(database.queryable, { queue, task, priority: 9 });

    const claimed: string[] = [];
    for (let hint = 0; hint < 10; hint++) {
      claimer.wake(queue);
      claimed.push(...(await claim(queue)));
    }

    expect(claimed).toEqual([]);
    expect(claimer.againInMs).toBeGreaterThan(0);
    expect(claimer.againInMs).toBeLessThan(30_000);
  });

  it("takes jobs out of the lines of a queue that rests", async () => {
    const { claimer, claim } = create();
    const first = create();
    const [running, waiting] = await enqueue(database.queryable, { count: 2 });
    expect(await first.claim("tests")).toEqual([running]);
    expect(await first.claim("tests")).toEqual([]);
    await block("tests", 1_000);
    expect(await claim("tests")).toEqual([]);

    await end(database.queryable, [running!]);
    claimer.wake("tests");

    await expect.poll(() => claim("tests"), { timeout: 5_000 }).toEqual([waiting]);
  });

  it.each([
    ["tests", "tests.limited"],
    ["plain", "tests.other"],
  ])("follows a hint at once after a slow look at %s when it was empty, or nearly", async (queue, task) => {
    const { claimer, claim } = create();
    await block(queue, 10);
    expect(await claim(queue)).toEqual([]);

    const [id] = await enqueue(database.queryable, { queue, task });
    claimer.wake(queue);

    expect(await claim(queue)).toEqual([id]);
  });
});

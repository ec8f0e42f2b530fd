import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { handleTask, Queue } from "../../src/index.ts";
import type { MirrorStore } from "../../src/index.ts";
import { work } from "./mirror-scene.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const handler = handleTask({ task: work, run: async ({ input }) => ({ said: input.say }) });

function openQueue(store: Partial<MirrorStore>): Queue {
  const mirror: MirrorStore = {
    readClock: async () => Date.now(),
    read: async () => undefined,
    write: async () => undefined,
    discard: async () => undefined,
    ...store,
  };
  return new Queue({ database, logger: silentLogger, handlers: [handler], mirror });
}

it("remembers ten thousand jobs to copy at most, while the store is slow", async () => {
  const clock = Promise.withResolvers<number>();
  let discarded = 0;
  const { mirror } = openQueue({
    readClock: () => clock.promise,
    discard: async () => void discarded++,
  });
  for (let nth = 0; nth < 30_000; nth++) mirror?.touch(newId());

  clock.resolve(Date.now());
  await mirror?.stop();

  // There are no such jobs: what may be there of them is thrown away.
  expect(discarded).toBe(10_000);
});

it("writes one copy of what happened to a job within a moment", async () => {
  const written: string[] = [];
  const queue = openQueue({ write: async (entries) => void written.push(...entries.map(({ id }) => id)) });
  await queue.mirror?.start();
  const { id } = await queue.add(work, { say: "x" });
  for (let nth = 0; nth < 100; nth++) queue.mirror?.touch(id);

  await queue.mirror?.stop();

  expect(written).toEqual([id]);
});

it("keeps nobody waiting who commits, whatever the store does", async () => {
  const never = new Promise<never>(() => undefined);
  const queue = openQueue({ readClock: () => never, write: () => never, discard: () => never });
  await queue.mirror?.start();
  const worker = queue.createWorker({ name: "w", concurrency: 2, pollMs: 50, drainMs: 100 });
  await worker.start();

  const said = await queue.call(work, { say: "x" }, { timeoutMs: 10_000 });

  await worker.stop();
  expect(said).toEqual({ said: "x" });
});

it("waits at its stop for what is under way, and copies nothing after it", async () => {
  const written: string[] = [];
  const queue = openQueue({ write: async (entries) => void written.push(...entries.map(({ id }) => id)) });
  await queue.mirror?.start();
  const { id } = await queue.add(work, { say: "x" });
  await queue.mirror?.stop();

  await queue.add(work, { say: "late" });

  expect(written).toEqual([id]);
});

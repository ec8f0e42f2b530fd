import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../../src/index.ts";
import type { Task } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";
import { watchDatabase } from "./watch-database.ts";

const one = defineTask({
  name: "tests.hold_one",
  queue: "one",
  input: z.object({ name: z.string() }),
  output: z.null(),
});
const other = { ...one, name: "tests.hold_other", queue: "other" };

/** Notes what runs, and lets jobs end one by one or all. */
function gatedWork() {
  const started: string[] = [];
  const waiting: (() => void)[] = [];
  let isOpen = false;
  return {
    started,
    get running() {
      return waiting.length;
    },
    run: async (name: string): Promise<null> => {
      started.push(name);
      if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
      return null;
    },
    letOneEnd: () => waiting.shift()?.(),
    openAll: () => {
      isOpen = true;
      for (const end of waiting.splice(0)) end();
    },
  };
}

describe.each(testDatabases())("the slots of a worker on $name", (kind) => {
  const opened = useQueue(kind);

  const createQueue = (run: (name: string) => Promise<null>): Queue =>
    opened.createQueue([one, other].map((task) => handleTask({ task, run: ({ input }) => run(input.name) })));

  const addMany = (queue: Queue, task: Task<{ name: string }, null>, count: number, priority = 5) =>
    queue.addMany(
      Array.from({ length: count }, () => ({ task, input: { name: task.queue }, options: { priority } })),
    );

  const untilEnded = async (queue: Queue, ids: readonly string[]): Promise<void> => {
    for (const id of ids) await queue.waitForEnd(id, { timeoutMs: 30_000 });
  };

  it("serve two queues in turn, also when there is only one", async () => {
    const started: string[] = [];
    const queue = createQueue(async (name) => {
      started.push(name);
      return null;
    });
    const jobs = [...(await addMany(queue, one, 20)), ...(await addMany(queue, other, 20))];

    await opened.startWorker(queue, { concurrency: 1 });
    await untilEnded(
      queue,
      jobs.map(({ id }) => id),
    );

    const early = started.slice(0, 20);
    expect(early.filter((name) => name === "one").length).toBeGreaterThanOrEqual(8);
    expect(early.filter((name) => name === "other").length).toBeGreaterThanOrEqual(8);
  });

  it("leave nothing of low priority in any of two queues, however much of high priority comes", async () => {
    const started: string[] = [];
    const queue = createQueue(async (name) => {
      started.push(name);
      return null;
    });
    await queue.add(one, { name: "low in one" }, { priority: 0 });
    await queue.add(other, { name: "low in other" }, { priority: 0 });
    const jobs = [...(await addMany(queue, one, 60, 9)), ...(await addMany(queue, other, 60, 9))];

    await opened.startWorker(queue, { concurrency: 1 });
    await untilEnded(
      queue,
      jobs.map(({ id }) => id),
    );

    expect(started.indexOf("low in one")).toBeGreaterThanOrEqual(0);
    expect(started.indexOf("low in one")).toBeLessThan(40);
    expect(started.indexOf("low in other")).toBeGreaterThanOrEqual(0);
    expect(started.indexOf("low in other")).toBeLessThan(40);
  });

  it("are as many as the worker has jobs at once", async () => {
    const work = gatedWork();
    const queue = createQueue(work.run);
    const jobs = await addMany(queue, one, 6);

    const worker = await opened.startWorker(queue, { concurrency: 3 });
    await expect.poll(() => work.running).toBe(3);

    expect(worker.busySlots).toBe(3);
    expect(work.started).toHaveLength(3);
    work.openAll();
    await untilEnded(
      queue,
      jobs.map(({ id }) => id),
    );
    expect(work.started).toHaveLength(6);
  });

  it("become more and fewer while it runs", async () => {
    const work = gatedWork();
    const queue = createQueue(work.run);
    await addMany(queue, one, 12);
    const worker = await opened.startWorker(queue, { concurrency: 1 });
    await expect.poll(() => work.running).toBe(1);

    await queue.control.requestConcurrency(worker.id, 4);
    await expect.poll(() => work.running).toBe(4);
    await queue.control.requestConcurrency(worker.id, 2);
    await expect.poll(() => worker.concurrency).toBe(2);
    for (let ended = 0; ended < 3; ended++) work.letOneEnd();
    await expect.poll(() => work.started.length).toBe(5);

    expect(work.running).toBe(2);
    await expect
      .poll(() => queue.control.listWorkers())
      .toMatchObject([{ concurrency: 2, wanted_concurrency: 2, running: 2 }]);
    work.openAll();
  });

  it("are kept in part for each queue, so that none waits behind the long jobs of another", async () => {
    const work = gatedWork();
    const queue = createQueue(work.run);
    const long = await addMany(queue, one, 12);
    const worker = await opened.startWorker(queue, { concurrency: 8, pollMs: 60_000 });
    await expect.poll(() => work.running).toBe(7);

    const [short] = await addMany(queue, other, 1);
    await expect.poll(() => work.started.at(-1)).toBe("other");

    expect(worker.busySlots).toBe(8);
    work.openAll();
    await untilEnded(
      queue,
      [...long, ...(short === undefined ? [] : [short])].map(({ id }) => id),
    );
  });

  it("are refused when a queue would have none", async () => {
    const queue = createQueue(async () => null);
    const start = (reserves: Record<string, number>) =>
      opened.startWorker(queue, { concurrency: 2, reserves });

    await expect(start({ one: 2 })).rejects.toMatchObject({ code: "invalid_reserves" });
    await expect(start({ third: 1 })).rejects.toMatchObject({ code: "invalid_reserves" });
  });

  it("are free for other jobs while ends are being recorded, but never more than twice as many wait", async () => {
    const recording = Promise.withResolvers<void>();
    const slow = watchDatabase(opened.database, {
      beforeAnswer: (text) => (text.includes("succeed_jobs") ? recording.promise : Promise.resolve()),
    });
    let started = 0;
    const queue = new Queue({
      database: slow,
      logger: silentLogger,
      handlers: [
        handleTask({
          task: one,
          run: async () => {
            started++;
            return null;
          },
        }),
      ],
    });
    const jobs = await addMany(queue, one, 20);

    await opened.startWorker(queue, { concurrency: 3 });
    await expect.poll(() => started).toBe(6);
    // Many polls of the worker.
    for (let polls = 0; polls < 10; polls++) await opened.claim([other]);
    expect(started).toBe(6);

    recording.resolve();
    await untilEnded(
      queue,
      jobs.map(({ id }) => id),
    );
    expect(started).toBe(20);
  });
});

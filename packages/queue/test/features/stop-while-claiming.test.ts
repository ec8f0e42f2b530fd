import { silentLogger, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";
import { watchDatabase } from "./watch-database.ts";

const task = defineTask({ name: "tests.wait", queue: "tests", input: z.object({}), output: z.null() });

/** A gate on the way of claims, open at first. `reached` resolves when one stands before it. */
function createGate() {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  let isClosed = false;
  return {
    reached: reached.promise,
    close: () => void (isClosed = true),
    open: () => opened.resolve(),
    pass: async (text: string): Promise<void> => {
      if (!isClosed || !text.includes("claim_jobs_onward")) return;
      reached.resolve();
      await opened.promise;
    },
  };
}

describe.each(testDatabases())("a worker that ends on $name", (kind) => {
  const opened = useQueue(kind);

  /** Its jobs wait until they are told to stop; `runs` says how many were begun. */
  const createQueue = (database = opened.database) => {
    let runs = 0;
    const run = async ({ signal }: { readonly signal: AbortSignal }): Promise<null> => {
      runs++;
      await sleep(600_000, signal);
      return null;
    };
    const queue = new Queue({ database, logger: silentLogger, handlers: [handleTask({ task, run })] });
    return { queue, runs: () => runs };
  };

  const runningJob = async (queue: Queue): Promise<string> => {
    const { id } = await queue.add(task, {});
    await expect.poll(async () => (await opened.find(id)).state).toBe("running");
    return id;
  };

  const outcomesOf = async (queue: Queue, id: string) =>
    (await queue.readDetail(id)).attempts.map(({ outcome }) => outcome);

  it("does not take back with a claim under way what it hands back", async () => {
    const gate = createGate();
    const { queue } = createQueue(watchDatabase(opened.database, { beforeStatement: gate.pass }));
    const worker = await opened.startWorker(queue, { drainMs: 20_000 });
    const id = await runningJob(queue);
    gate.close();
    await gate.reached;

    const stopped = worker.stop();
    worker.handBack();
    await sleep(100); // The job must stay here.
    gate.open();
    await stopped;

    expect(await outcomesOf(queue, id)).toEqual(["handed_back"]);
    expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0 });
  });

  it("does not begin what a claim under way still brings, and hands it back", async () => {
    const gate = createGate();
    const { queue, runs } = createQueue(watchDatabase(opened.database, { beforeStatement: gate.pass }));
    gate.close();
    const worker = await opened.startWorker(queue);
    await gate.reached;
    const { id } = await queue.add(task, {});

    const stopped = worker.stop();
    gate.open();
    await stopped;

    expect(await outcomesOf(queue, id)).toEqual(["handed_back"]);
    expect(runs()).toBe(0);
  });

  it("looks once more for the jobs of a claim whose answer was lost", async () => {
    const lost = Promise.withResolvers<void>();
    const database = watchDatabase(opened.database, {
      beforeAnswer: async (text) => {
        if (!text.includes("claim_jobs_onward")) return;
        lost.resolve();
        throw new Error("Connection terminated unexpectedly");
      },
    });
    const { queue } = createQueue(database);
    const { id } = await queue.add(task, {});
    const worker = await opened.startWorker(queue);
    await lost.promise;

    await worker.stop();

    expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0 });
    expect(await outcomesOf(queue, id)).toEqual(["handed_back"]);
  });

  it("hands back also while a claim does not come to its end", async () => {
    const gate = createGate();
    const { queue } = createQueue(watchDatabase(opened.database, { beforeStatement: gate.pass }));
    const worker = await opened.startWorker(queue, { drainMs: 0 });
    const id = await runningJob(queue);
    gate.close();
    await gate.reached;

    const stopped = worker.stop();

    await expect.poll(async () => (await opened.find(id)).state).toBe("queued");
    gate.open();
    await stopped;
  });

  it("claims nothing more once it hands back, also when its stop comes later", async () => {
    const { queue } = createQueue();
    const worker = await opened.startWorker(queue, { drainMs: 20_000 });
    const id = await runningJob(queue);

    worker.handBack();
    await expect.poll(() => outcomesOf(queue, id)).toEqual(["handed_back"]);
    await worker.stop();

    expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0 });
    expect(await outcomesOf(queue, id)).toEqual(["handed_back"]);
  });
});

import { silentLogger, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleBatchTask, handleTask, Queue, settled } from "../../src/index.ts";
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
  const createQueue = (database = opened.database, isBatched = false) => {
    let runs = 0;
    const run = async ({ signal }: { readonly signal: AbortSignal }): Promise<null> => {
      runs++;
      await sleep(600_000, signal);
      return null;
    };
    const handler = isBatched
      ? handleBatchTask({ task, maxSize: 1, run: (contexts) => settled(contexts.map(run)) })
      : handleTask({ task, run });
    const queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
    return { queue, runs: () => runs };
  };

  const runningJob = async (queue: Queue): Promise<string> => {
    const { id } = await queue.add(task, {});
    await expect.poll(async () => (await opened.find(id)).state).toBe("running");
    return id;
  };

  const outcomesOf = async (queue: Queue, id: string) =>
    (await queue.readDetail(id)).attempts.map(({ outcome }) => outcome);

  const mayExpire = async (id: string): Promise<boolean> => {
    const found = await sql`SELECT 1 FROM job WHERE id = ${id} AND expires_at > now()`.execute(
      opened.database.queryable,
    );
    return found.rows.length > 0;
  };

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

  it.each([
    ["one by one", false],
    ["in a batch", true],
  ])(
    "does not begin what a claim under way still brings, and hands it back (%s)",
    async (_how, isBatched) => {
      const gate = createGate();
      const watched = watchDatabase(opened.database, { beforeStatement: gate.pass });
      const { queue, runs } = createQueue(watched, isBatched);
      gate.close();
      const worker = await opened.startWorker(queue);
      await gate.reached;
      const { id } = await queue.add(task, {}, { expiresInMs: 600_000 });

      const stopped = worker.stop();
      gate.open();
      await stopped;

      expect(await outcomesOf(queue, id)).toEqual(["handed_back"]);
      expect(runs()).toBe(0);
      expect(await mayExpire(id)).toBe(true);
    },
  );

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
    const { id } = await queue.add(task, {}, { expiresInMs: 600_000 });
    const worker = await opened.startWorker(queue);
    await lost.promise;

    await worker.stop();

    expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0 });
    expect(await outcomesOf(queue, id)).toEqual(["handed_back"]);
    expect(await mayExpire(id)).toBe(true);
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

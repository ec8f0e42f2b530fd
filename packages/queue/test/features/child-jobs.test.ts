import { newId, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../../src/index.ts";
import type { JobContext, Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const family = z.object({ name: z.string() });
const parent = defineTask({
  name: "tests.run_parent",
  queue: "tests",
  input: family,
  output: z.array(z.string()),
  backoff: { firstSeconds: 0 },
});
const child = defineTask({ name: "tests.run_child", queue: "tests", input: family, output: z.null() });

type Run = (context: JobContext<z.infer<typeof family>>) => Promise<string[]>;

describe.each(testDatabases())("child jobs on $name", (kind) => {
  const opened = useQueue(kind);

  /** Children wait until they are told to stop, unless `runChild` says otherwise. */
  const createQueue = (
    run: Run,
    runChild: (context: JobContext<z.infer<typeof family>>) => Promise<null> = async ({ signal }) => {
      await sleep(60_000, signal);
      return null;
    },
  ): Queue =>
    opened.createQueue([handleTask({ task: parent, run }), handleTask({ task: child, run: runChild })]);

  const untilState = (id: string, state: string): Promise<void> =>
    expect.poll(async () => (await opened.find(id)).state).toBe(state);

  const childrenOf = async (id: string): Promise<string[]> => {
    const found = await sql<{ id: string }>`SELECT id FROM job WHERE parent_id = ${id} ORDER BY id`.execute(
      opened.database.queryable,
    );
    return found.rows.map((row) => row.id);
  };

  /** A job by hand as the child of another: of a parent that has ended, or that no worker runs. */
  const addChild = async (queue: Queue, parentId: string): Promise<string> =>
    (await queue.add(child, { name: "by hand" }, { parentId })).id;

  it("are enqueued once, however often their parent runs", async () => {
    const queue = createQueue(async (context) => {
      const { id } = await context.enqueueChild("first", child, { name: "one" });
      if (context.job.attempt === 1) throw new Error("once");
      return [id];
    });
    await opened.startWorker(queue);
    const { id } = await queue.add(parent, { name: "x" });

    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    const [only, ...others] = await childrenOf(id);
    expect(others).toEqual([]);
    expect(await queue.result(parent, id)).toEqual([only]);
  });

  it("have the parent's owner, and show whose they are", async () => {
    const queue = createQueue(async (context) => [
      (await context.enqueueChild("first", child, { name: "one" })).id,
    ]);
    await opened.startWorker(queue);

    const { id } = await queue.add(parent, { name: "x" }, { owner: "acme" });
    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    const [childId = ""] = await childrenOf(id);
    expect(await opened.find(childId)).toMatchObject({ owner: "acme" });
    expect(await opened.find(childId)).toMatchObject({ parent_id: id });
    expect(await queue.readDetail(childId)).toMatchObject({ input: { name: "one" } });
    expect(await opened.find(id)).toMatchObject({ parent_id: null });
  });

  it("take options as other jobs do, another owner too", async () => {
    const queue = createQueue(async (context) => [
      (
        await context.enqueueChild(
          "first",
          child,
          { name: "one" },
          { owner: "zenith", priority: 9, delayMs: 60_000 },
        )
      ).id,
    ]);
    await opened.startWorker(queue);

    const { id } = await queue.add(parent, { name: "x" }, { owner: "acme" });
    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    const [childId = ""] = await childrenOf(id);
    expect(await opened.find(childId)).toMatchObject({ owner: "zenith", priority: 9, state: "scheduled" });
  });

  it("are the job that is pending, where their task allows only one", async () => {
    const single = { ...child, name: "tests.run_single", unique: () => "the only one" };
    const queue = createQueue(async (context) => {
      const { id } = await context.enqueueChild("first", single, { name: "two" });
      if (context.job.attempt === 1) throw new Error("once");
      return [id];
    });
    await opened.startWorker(queue);
    const pending = await queue.add(single, { name: "one" });

    const { id } = await queue.add(parent, { name: "x" });
    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    expect(await queue.result(parent, id)).toEqual([pending.id]);
  });

  it("are not enqueued by a parent that was cancelled", async () => {
    const asked = Promise.withResolvers<void>();
    const queue = createQueue(async (context) => {
      await asked.promise;
      return [(await context.enqueueChild("first", child, { name: "one" })).id];
    });
    await opened.startWorker(queue);
    const { id } = await queue.add(parent, { name: "x" });
    await untilState(id, "running");
    await queue.transaction((scope) => queue.cancel(scope, id));
    asked.resolve();

    expect(await queue.waitForEnd(id, { timeoutMs: 10_000 })).toMatchObject({ state: "cancelled" });
    expect(await childrenOf(id)).toEqual([]);
  });

  describe("of a parent that is cancelled", () => {
    const waitingParent: Run = async (context) => {
      await context.enqueueChild("first", child, { name: "one" });
      await context.enqueueChild("second", child, { name: "two" });
      await sleep(60_000, context.signal);
      return [];
    };

    it("end at once while they are queued", async () => {
      const queue = createQueue(waitingParent);
      await opened.startWorker(queue, { concurrency: 1 });
      const { id } = await queue.add(parent, { name: "x" });
      await expect.poll(() => childrenOf(id)).toHaveLength(2);

      await queue.transaction((scope) => queue.cancel(scope, id));

      const children = await Promise.all((await childrenOf(id)).map((one) => opened.find(one)));
      expect(children.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
    });

    it("end at once while they are delayed", async () => {
      const queue = createQueue(waitingParent);
      const { id } = await queue.add(parent, { name: "x" });
      const delayed = await queue.add(child, { name: "later" }, { parentId: id, delayMs: 60_000 });

      await queue.transaction((scope) => queue.cancel(scope, id));

      expect(await opened.find(delayed.id)).toMatchObject({ state: "cancelled" });
    });

    it("are told to stop while they run", async () => {
      const queue = createQueue(waitingParent);
      await opened.startWorker(queue, { concurrency: 3 });
      const { id } = await queue.add(parent, { name: "x" });
      await expect.poll(() => childrenOf(id)).toHaveLength(2);
      const children = await childrenOf(id);
      for (const one of children) await untilState(one, "running");

      await queue.transaction((scope) => queue.cancel(scope, id));

      for (const one of [id, ...children]) {
        expect(await queue.waitForEnd(one, { timeoutMs: 10_000 })).toMatchObject({ state: "cancelled" });
      }
    });

    it("are cancelled with their own children, however deep", async () => {
      const queue = createQueue(waitingParent);
      const { id } = await queue.add(parent, { name: "x" });
      const one = await addChild(queue, id);
      const two = await addChild(queue, one);
      const three = await addChild(queue, two);

      await queue.transaction((scope) => queue.cancel(scope, id));

      for (const each of [one, two, three])
        expect(await opened.find(each)).toMatchObject({ state: "cancelled" });
    });

    it("are cancelled where the child between them has ended", async () => {
      const queue = createQueue(waitingParent);
      const { id } = await queue.add(parent, { name: "x" });
      const between = await addChild(queue, id);
      const grandchild = await addChild(queue, between);
      await sql`UPDATE job SET state = 'succeeded', finished_at = now() WHERE id = ${between}`.execute(
        opened.database.queryable,
      );

      await queue.transaction((scope) => queue.cancel(scope, id));

      expect(await opened.find(between)).toMatchObject({ state: "succeeded" });
      expect(await opened.find(grandchild)).toMatchObject({ state: "cancelled" });
    });

    it("keep the end that they had", async () => {
      const queue = createQueue(waitingParent);
      const { id } = await queue.add(parent, { name: "x" });
      const one = await addChild(queue, id);
      await sql`UPDATE job SET state = 'succeeded', finished_at = now() WHERE id = ${one}`.execute(
        opened.database.queryable,
      );

      await queue.transaction((scope) => queue.cancel(scope, id));

      expect(await opened.find(one)).toMatchObject({ state: "succeeded" });
    });

    it("are cancelled by a second cancel that finds them", async () => {
      const queue = createQueue(waitingParent);
      const { id } = await queue.add(parent, { name: "x" });
      await queue.transaction((scope) => queue.cancel(scope, id));
      const late = await addChild(queue, id);

      await queue.transaction((scope) => queue.cancel(scope, id));

      expect(await opened.find(late)).toMatchObject({ state: "cancelled" });
    });

    it("may be its own parents by somebody's slip", async () => {
      const queue = createQueue(waitingParent);
      const id = newId();
      await queue.add(child, { name: "own" }, { id, parentId: id });
      await opened.claim([child]);

      expect(await queue.transaction((scope) => queue.cancel(scope, id))).toBe("cancelling");
    });

    it("are cancelled although hundreds of them wait", async () => {
      const queue = createQueue(waitingParent);
      const { id } = await queue.add(parent, { name: "x" });
      const many = Array.from({ length: 300 }, (_none, nth) => ({
        task: child,
        input: { name: String(nth) },
        options: { parentId: id },
      }));
      await queue.addMany(many);

      await queue.transaction((scope) => queue.cancel(scope, id));

      expect(await opened.claim([child])).toEqual([]);
    });
  });
});

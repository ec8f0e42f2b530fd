import { sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, taskOverrides } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.override_me",
  queue: "tests",
  input: z.object({}),
  output: z.null(),
});

describe.each(testDatabases())("what settings change of tasks on $name", (kind) => {
  const opened = useQueue(kind);

  const producer = (overrides: unknown): Queue =>
    opened.createQueue([], { tasks: [task], overrides: taskOverrides.parse(overrides) });

  it("holds for a process that only enqueues", async () => {
    const queue = producer({
      "tests.*": { queue: "elsewhere", priority: 8 },
      "tests.override_me": { retries: 0 },
    });

    const job = await queue.add(task, {});

    expect(job).toMatchObject({ queue: "elsewhere", priority: 8, max_attempts: 1 });
    expect(await opened.find(job.id)).toEqual(job);
  });

  it("goes behind what the caller asks for", async () => {
    const job = await producer({ "*": { priority: 8 } }).add(task, {}, { priority: 2 });

    expect(job.priority).toBe(2);
  });

  it("gives jobs an expiry, and takes it away", async () => {
    const expiring = { ...task, name: "tests.override_expiry", expiresInMs: 60_000 };
    const expiries = async (overrides: unknown, ...ids: string[]): Promise<(boolean | undefined)[]> => {
      const queue = opened.createQueue([], {
        tasks: [task, expiring],
        overrides: taskOverrides.parse(overrides),
      });
      for (const one of [task, expiring]) ids.push((await queue.add(one, {})).id);
      const found = await sql<{ id: string; expires: boolean }>`
        SELECT id, expires_at IS NOT NULL AS expires FROM job WHERE id = ANY(${ids}::uuid[])`.execute(
        opened.database.queryable,
      );
      return ids.map((id) => found.rows.find((row) => row.id === id)?.expires);
    };

    expect(await expiries({})).toEqual([false, true]);
    expect(await expiries({ "*": { expiresInMs: 5_000 } })).toEqual([true, true]);
    expect(await expiries({ "*": { expiresInMs: null } })).toEqual([false, false]);
  });

  it("brings jobs to the worker that has them too", async () => {
    const overrides = taskOverrides.parse({ "*": { queue: "elsewhere" } });
    const runner = opened.createQueue([handleTask({ task, run: async () => null })], { overrides });
    await opened.startWorker(runner);

    const { id } = await producer(overrides).add(task, {});

    expect(await runner.waitForEnd(id, { timeoutMs: 15_000 })).toMatchObject({
      state: "succeeded",
      queue: "elsewhere",
    });
    expect(await runner.control.listWorkers()).toMatchObject([{ queues: ["elsewhere"] }]);
  });

  it("limits the jobs too that were added before their task got another queue", async () => {
    let running = 0;
    let most = 0;
    const handler = handleTask({
      task,
      run: async () => {
        most = Math.max(most, (running += 1));
        await sleep(50);
        running -= 1;
        return null;
      },
    });
    const former = producer({});
    const ids: string[] = [];
    for (let nth = 0; nth < 6; nth++) ids.push((await former.add(task, {})).id);
    const overrides = taskOverrides.parse({ "*": { queue: "elsewhere", concurrency: 1 } });
    const runner = opened.createQueue([handler], { overrides });

    await opened.startWorker(runner, { queues: ["tests", "elsewhere"] });

    for (const id of ids) {
      expect(await runner.waitForEnd(id, { timeoutMs: 20_000 })).toMatchObject({ state: "succeeded" });
    }
    expect(most).toBe(1);
  });

  it("decides how long an ended job is kept", async () => {
    const overrides = taskOverrides.parse({ "*": { retention: { succeededDays: 2 } } });
    const queue = opened.createQueue([handleTask({ task, run: async () => null })], { overrides });
    await opened.startWorker(queue);
    const { id } = await queue.add(task, {});
    await queue.waitForEnd(id, { timeoutMs: 15_000 });

    const kept = await sql<{ days: number }>`
      SELECT (extract(epoch FROM purge_at - finished_at) / 86400)::integer AS days FROM job WHERE id = ${id}`.execute(
      opened.database.queryable,
    );
    expect(kept.rows).toEqual([{ days: 2 }]);
  });

  it("decides how often and how soon a failed job is tried again", async () => {
    const overrides = taskOverrides.parse({
      "*": { retries: 1, backoff: { firstSeconds: 3600, jitter: "none", capSeconds: 3600 } },
    });
    const queue = opened.createQueue([handleTask({ task, run: () => Promise.reject(new Error("always")) })], {
      overrides,
    });
    await opened.startWorker(queue);
    const { id } = await queue.add(task, {});

    await expect
      .poll(() => opened.find(id))
      .toMatchObject({ state: "scheduled", reason: "retry", attempt: 1, max_attempts: 2 });

    const { run_at } = await opened.find(id);
    expect(run_at.getTime() - Date.now()).toBeGreaterThan(3_000_000);
  });

  it("reaches the children that a job enqueues", async () => {
    const child = { ...task, name: "tests.override_child" };
    const overrides = taskOverrides.parse({ "tests.override_child": { queue: "elsewhere", priority: 1 } });
    const queue = opened.createQueue(
      [
        handleTask({
          task,
          run: async (context) => {
            await context.enqueueChild("child", child, {}, { id: "01900000-0000-7000-8000-000000000001" });
            return null;
          },
        }),
        handleTask({ task: child, run: async () => null }),
      ],
      { overrides },
    );
    await opened.startWorker(queue, { queues: ["tests"] });
    const { id } = await queue.add(task, {});
    await queue.waitForEnd(id, { timeoutMs: 15_000 });

    expect(await opened.find("01900000-0000-7000-8000-000000000001")).toMatchObject({
      queue: "elsewhere",
      priority: 1,
      state: "queued",
    });
  });

  it("keeps a process from starting that names a task there is not", () => {
    expect(() => producer({ "tests.overide_me": { priority: 1 } })).toThrow(
      expect.objectContaining({ code: "unknown_task_override" }),
    );
  });
});

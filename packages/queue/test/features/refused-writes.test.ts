import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../../src/index.ts";
import type { JobContext } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.write_late",
  queue: "tests",
  input: z.null(),
  output: z.null(),
  retries: 0,
});
const child = { ...task, name: "tests.write_late_child" };

type Context = JobContext<null>;

describe.each(testDatabases())("a write of an attempt that lost its job on $name", (kind) => {
  const opened = useQueue(kind);

  /** The job is taken away by another process while its handler waits, and then the handler goes on. */
  const writeLate = async (write: (context: Context) => Promise<unknown>) => {
    const taken = Promise.withResolvers<void>();
    const hasWritten = Promise.withResolvers<void>();
    let isFirst = true;
    const queue = opened.createQueue([
      handleTask({
        task,
        run: async (context) => {
          if (!isFirst) return null;
          isFirst = false;
          await taken.promise;
          try {
            await write(context);
          } finally {
            hasWritten.resolve();
          }
          return null;
        },
      }),
    ]);
    const refused: unknown[] = [];
    queue.on("write.refused", ({ job }) => void refused.push([job.id, job.attempt]));
    const { id } = await queue.add(task, null);
    // With a second slot it could claim the job again, and would tell the first attempt to stop.
    await opened.startWorker(queue, { concurrency: 1 });
    await expect.poll(async () => (await opened.find(id)).state).toBe("running");
    await opened.createQueue([]).control.forceRelease(id, { by: "the test" });
    taken.resolve();
    await hasWritten.promise;
    await queue.waitForEnd(id, { timeoutMs: 15_000 });
    await opened.stopWorkers();
    return { queue, id, refused };
  };

  it.each<[string, (context: Context) => Promise<unknown>]>([
    ["a step", (context) => context.step("late", () => Promise.resolve(1))],
    ["a transaction", (context) => context.transaction(() => Promise.resolve())],
    ["meta", (context) => context.setMeta({ late: true })],
    ["a child", (context) => context.enqueueChild("late", child, null)],
    ["its end", () => Promise.resolve()],
  ])("is refused and told once: %s", async (_name, write) => {
    const { queue, id, refused } = await writeLate(write);

    // The word of it comes after the job has ended elsewhere.
    await expect.poll(() => refused).toEqual([[id, 1]]);
    expect(queue.staleWrites).toBe(1);
    const detail = await queue.readDetail(id);
    expect(detail).toMatchObject({ steps: [], meta: {} });
    expect(detail.attempts.map(({ outcome }) => outcome)).toEqual(["succeeded", "handed_back"]);
    expect((await queue.feed.read(`job:${id}`, 0, 10)).events.map(({ type }) => type)).toEqual([
      "job.queued",
      "job.succeeded",
    ]);
  });

  it("is told once although the handler goes on after the first", async () => {
    const { id, refused } = await writeLate(async (context) => {
      await context.setMeta({ late: 1 }).catch(() => undefined);
      await context.setMeta({ late: 2 }).catch(() => undefined);
    });

    await expect.poll(() => refused).toEqual([[id, 1]]);
  });

  it("leaves out the log lines and the progress of before", async () => {
    const { queue, id } = await writeLate(async (context) => {
      context.log("info", "too late");
      context.progress({ percent: 99 });
      await context.setMeta({ late: true });
    });

    const { events } = await queue.feed.read(`job:${id}`, 0, 10);
    expect(events.map(({ type }) => type)).toEqual(["job.queued", "job.succeeded"]);
  });
});

import { sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cancelThisJob, defineTask, handleTask, snooze } from "../../src/index.ts";
import type { JobContext, Queue } from "../../src/index.ts";
import { readTaskEndCounts } from "../../src/counts/task-ends.ts";
import { scriptTask } from "../script-task.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.run_script",
  queue: "tests",
  input: z.object({ script: z.string() }),
  output: z.null(),
  backoff: { firstSeconds: 0 },
});

type Context = JobContext<z.infer<typeof task.input>>;

/** `wait` until told to stop, `ignore` that, or do what the name says. */
async function runScript({ input, signal, job }: Context): Promise<null> {
  if (input.script === "wait") await sleep(60_000, signal);
  if (input.script === "ignore") await sleep(60_000);
  if (input.script === "fail") throw new Error("always");
  if (input.script === "fail once" && job.attempt === 1) throw new Error("once");
  if (input.script === "cancel") throw cancelThisJob("not wanted");
  if (input.script === "snooze") throw snooze(3_600_000, "not now");
  return null;
}

describe.each(testDatabases())("a worker on $name", (kind) => {
  const opened = useQueue(kind);

  const createQueue = (): Queue => opened.createQueue([handleTask({ task, run: runScript })]);
  const add = async (queue: Queue, script: string): Promise<string> => (await queue.add(task, { script })).id;

  const untilState = (id: string, state: string): Promise<void> =>
    expect.poll(async () => (await opened.find(id)).state).toBe(state);

  /** What the hooks of workers were told, in order. */
  const hear = (queue: Queue): string[] => {
    const heard: string[] = [];
    for (const name of ["worker.started", "worker.draining", "worker.stopped"] as const) {
      queue.on(name, ({ type }) => void heard.push(type));
    }
    return heard;
  };

  it("is not made where a task of its queues has no handler", () => {
    const queue = opened.createQueue([], { tasks: [task] });

    const create = () => queue.createWorker({ name: "w", concurrency: 1 });

    expect(create).toThrow(expect.objectContaining({ code: "missing_handler" }));
  });

  it("replaces the process of isolated jobs after as many as it was told", async () => {
    const isolated = { ...scriptTask, isolation: { memoryMegabytes: 512 } };
    const run = (): Promise<never> => Promise.reject(new Error("runs in the child"));
    const queue = opened.createQueue([handleTask({ task: isolated, run })]);
    await opened.startWorker(queue, {
      isolationEntry: new URL("../isolated-child.ts", import.meta.url),
      recycle: { maxJobs: 1 },
    });
    const processes = new Set<unknown>();

    for (let nth = 0; nth < 2; nth++) {
      const { id } = await queue.add(isolated, { script: "answer" });
      await queue.waitForEnd(id, { timeoutMs: 30_000 });
      processes.add(JSON.stringify(await queue.result(isolated, id)));
    }

    expect(processes.size).toBe(2);
  });

  it("adds up how many jobs of each task have ended well and badly", async () => {
    const queue = createQueue();
    const scripts = ["end", "end", "end", "cancel"];
    const ids = await Promise.all(scripts.map((script) => add(queue, script)));
    const failing = await queue.add(task, { script: "fail" });

    await opened.startWorker(queue);
    for (const id of [...ids, failing.id]) await queue.waitForEnd(id, { timeoutMs: 20_000 });

    await expect
      .poll(() => readTaskEndCounts(opened.database.queryable, 600))
      .toEqual([{ task: task.name, succeeded: 3, failed: 1 }]);
  });

  it("has counted at its stop what ended since the last turn of the upkeep", async () => {
    const queue = createQueue();
    const worker = await opened.startWorker(queue, { pollMs: 60_000 });
    const failing = await queue.add(task, { script: "fail" });
    await queue.waitForEnd(failing.id, { timeoutMs: 20_000 });

    await worker.stop();

    expect(await readTaskEndCounts(opened.database.queryable, 600)).toEqual([
      { task: task.name, succeeded: 0, failed: 1 },
    ]);
  });

  it("leaves nothing open when it is stopped while it starts, and does not start after that", async () => {
    const queue = createQueue();
    const listeners = queue.bus.listenerCount;
    const worker = queue.createWorker({ name: "w", concurrency: 1 });

    const started = worker.start();
    await worker.stop();
    await started;

    expect(await queue.control.listWorkers()).toMatchObject([{ state: "stopped", is_live: false }]);
    expect(queue.bus.listenerCount).toBe(listeners);
    await expect(worker.start()).rejects.toMatchObject({ reason: "shutdown" });
  });

  it("says while it stops that it drains, until its last job has ended", async () => {
    const queue = createQueue();
    const worker = await opened.startWorker(queue, { drainMs: 20_000 });
    const running = await add(queue, "wait");
    await untilState(running, "running");

    const stopped = worker.stop();

    const draining = { id: worker.id, state: "draining", running: 1, is_live: true };
    await expect.poll(() => queue.control.listWorkers()).toMatchObject([draining]);
    const beatAt = (await queue.control.listWorkers())[0]?.beat_at;
    await expect.poll(async () => (await queue.control.listWorkers())[0]?.beat_at).not.toEqual(beatAt);
    worker.handBack();
    await stopped;
    expect(await queue.control.listWorkers()).toMatchObject([{ state: "stopped", is_live: false }]);
  });

  describe("that is asked to drain", () => {
    it("claims nothing more, lets go on what runs, and says so", async () => {
      const queue = createQueue();
      const worker = await opened.startWorker(queue);
      const running = await add(queue, "wait");
      await untilState(running, "running");
      await queue.control.requestDrain(worker.id);
      await expect
        .poll(() => queue.control.listWorkers())
        .toMatchObject([{ state: "draining", wanted_state: "draining", running: 1, is_live: true }]);

      const later = await add(queue, "nothing");
      // It looks again with each beat of its row, which says when.
      const beatAt = (await queue.control.listWorkers())[0]?.beat_at;
      await expect.poll(async () => (await queue.control.listWorkers())[0]?.beat_at).not.toEqual(beatAt);

      expect(await opened.find(later)).toMatchObject({ state: "queued" });
      expect(await opened.find(running)).toMatchObject({ state: "running" });
      expect(worker.isProgressing()).toBe(true);
    });

    it("goes on when it is asked to run again", async () => {
      const queue = createQueue();
      const worker = await opened.startWorker(queue);
      await queue.control.requestDrain(worker.id);
      await expect.poll(() => queue.control.listWorkers()).toMatchObject([{ state: "draining" }]);
      const id = await add(queue, "nothing");

      await queue.control.requestRun(worker.id);

      expect(await queue.waitForEnd(id, { timeoutMs: 10_000 })).toMatchObject({ state: "succeeded" });
      await expect.poll(() => queue.control.listWorkers()).toMatchObject([{ state: "running" }]);
    });

    it("tells once that it drains, and again when it stops", async () => {
      const queue = createQueue();
      const heard = hear(queue);
      const worker = await opened.startWorker(queue);
      await queue.control.requestDrain(worker.id);
      await expect.poll(() => heard).toEqual(["worker.started", "worker.draining"]);

      await worker.stop();

      expect(heard).toEqual(["worker.started", "worker.draining", "worker.stopped"]);
    });
  });

  describe("that is asked to stop", () => {
    it("hands back what runs, and is gone", async () => {
      const queue = createQueue();
      const worker = await opened.startWorker(queue);
      const id = await add(queue, "wait");
      await untilState(id, "running");

      await queue.control.requestStop(worker.id);

      await untilState(id, "queued");
      await expect
        .poll(() => queue.control.listWorkers())
        .toMatchObject([{ state: "stopped", is_live: false, running: 0 }]);
    });

    it("tells that once, also when its process stops it later", async () => {
      const queue = createQueue();
      const heard = hear(queue);
      const worker = await opened.startWorker(queue);
      await queue.control.requestStop(worker.id);
      await expect.poll(() => heard.at(-1)).toBe("worker.stopped");

      await worker.stop();

      expect(heard).toEqual(["worker.started", "worker.draining", "worker.stopped"]);
    });
  });

  describe("that stops", () => {
    it("waits for what ends in time", async () => {
      const ending = Promise.withResolvers<null>();
      const queue = opened.createQueue([handleTask({ task, run: () => ending.promise })]);
      const worker = await opened.startWorker(queue, { drainMs: 30_000 });
      const id = await add(queue, "x");
      await untilState(id, "running");

      const stopped = worker.stop();
      ending.resolve(null);
      await stopped;

      expect(await opened.find(id)).toMatchObject({ state: "succeeded", attempt: 1 });
    });

    it("hands back what does not, without counting the attempt", async () => {
      const queue = createQueue();
      const worker = await opened.startWorker(queue, { drainMs: 20 });
      const id = await add(queue, "wait");
      await untilState(id, "running");

      await worker.stop();

      expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0, crash_count: 0 });
      expect((await queue.readDetail(id)).attempts).toMatchObject([
        { outcome: "handed_back", worker_name: "w" },
      ]);
    });

    it("hands it back at once on the second signal", async () => {
      const queue = createQueue();
      const worker = await opened.startWorker(queue, { drainMs: 600_000 });
      const id = await add(queue, "wait");
      await untilState(id, "running");

      const stopped = worker.stop();
      worker.handBack();
      await stopped;

      expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0 });
    });

    it("does not wait for ever for a handler that ignores it", async () => {
      const queue = createQueue();
      const worker = await opened.startWorker(queue, { drainMs: 20 });
      const id = await add(queue, "ignore");
      await untilState(id, "running");

      await worker.stop();

      expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0 });
    });

    it("is the same when it is asked twice, at once and later", async () => {
      const queue = createQueue();
      const heard = hear(queue);
      const worker = await opened.startWorker(queue);

      await Promise.all([worker.stop(), worker.stop()]);
      await worker.stop();

      expect(heard).toEqual(["worker.started", "worker.draining", "worker.stopped"]);
    });

    it("may never have started", async () => {
      const queue = createQueue();
      const heard = hear(queue);
      const worker = queue.createWorker({
        name: "w",
        concurrency: 1,
        leaseMs: 20_000,
        beatMs: 10_000,
        pollMs: 20,
        drainMs: 50,
      });

      await worker.stop();

      expect(heard).toEqual([]);
      expect(await queue.control.listWorkers()).toEqual([]);
    });
  });

  it("says how many attempts have ended and how many of them failed", async () => {
    const queue = createQueue();
    await opened.startWorker(queue);
    const ids: string[] = [];
    for (const script of ["nothing", "nothing", "fail once"]) ids.push(await add(queue, script));
    for (const id of ids) await queue.waitForEnd(id, { timeoutMs: 10_000 });

    await expect
      .poll(() => queue.control.listWorkers())
      .toMatchObject([{ processed: 4, failed: 1, running: 0, concurrency: 4 }]);
  });

  it("counts no attempt as failed that was cancelled or put off", async () => {
    const queue = createQueue();
    await opened.startWorker(queue);
    const ids: string[] = [];
    for (const script of ["cancel", "snooze", "nothing"]) ids.push(await add(queue, script));
    await untilState(ids[0] ?? "", "cancelled");
    await untilState(ids[1] ?? "", "scheduled");

    await expect.poll(() => queue.control.listWorkers()).toMatchObject([{ processed: 3, failed: 0 }]);
  });

  it("can be started again after its start had failed", async () => {
    const queue = createQueue();
    const worker = queue.createWorker({
      name: "w",
      concurrency: 1,
      leaseMs: 20_000,
      beatMs: 10_000,
      pollMs: 20,
      drainMs: 50,
    });
    const { queryable } = opened.database;
    await sql`ALTER TABLE queue_control RENAME TO mislaid`.execute(queryable);
    await expect(worker.start()).rejects.toMatchObject({ code: "42P01" });
    await sql`ALTER TABLE mislaid RENAME TO queue_control`.execute(queryable);

    await worker.start();

    const { id } = await queue.add(task, { script: "end" });
    expect(await queue.waitForEnd(id, { timeoutMs: 10_000 })).toMatchObject({ state: "succeeded" });
    expect(await queue.control.listWorkers()).toMatchObject([{ id: worker.id, state: "running" }]);
    await worker.stop();
  });

  it("tells who it is when it starts", async () => {
    const queue = createQueue();
    const heard: unknown[] = [];
    queue.on("worker.started", (event) => void heard.push(event));

    const worker = await opened.startWorker(queue, { name: "one", concurrency: 7 });

    expect(heard).toEqual([
      { type: "worker.started", worker: { id: worker.id, name: "one", queues: ["tests"], concurrency: 7 } },
    ]);
  });
});

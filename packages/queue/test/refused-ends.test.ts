import type { Database } from "@millrace/database";
import { MillraceError, silentLogger, sleep } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findJobs, forgetInput, handleTask, Queue, readJobDetail } from "../src/index.ts";
import type { JobContext, JobEnd, QueueWorker } from "../src/index.ts";
import { scriptTask } from "./script-task.ts";

const task = { ...scriptTask, retries: 0, softLimitMs: 200 };

type Answer = { answer: string };

/** Whatever a job does, it must come to an end that is recorded once. */
describe("the end of a job", () => {
  let database: Database;
  const workers: QueueWorker[] = [];

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.stop();
  });
  afterAll(() => database.close());

  function createQueue(
    run: (context: JobContext<{ script: string }>) => Promise<Answer>,
    onEnd: (end: JobEnd<{ script: string }, Answer>) => void = () => undefined,
  ): Queue {
    return new Queue({
      database,
      logger: silentLogger,
      handlers: [handleTask({ task, run, onEnd: async (_scope, end) => onEnd(end) })],
    });
  }

  async function startWorker(queue: Queue): Promise<QueueWorker> {
    const worker = queue.createWorker({
      name: "w",
      concurrency: 2,
      leaseMs: 20_000,
      beatMs: 10_000,
      pollMs: 20,
      drainMs: 20,
    });
    workers.push(worker);
    await worker.start();
    return worker;
  }

  const enqueue = async (queue: Queue): Promise<string> =>
    (await queue.transaction((scope) => queue.enqueue(scope, task, { script: "x" }))).id;

  it("is recorded when its error holds what the database refuses", async () => {
    const queue = createQueue(() =>
      Promise.reject(new MillraceError({ code: "file_odd", kind: "invalid", message: "a\0b\uD800" })),
    );
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 5_000 });

    expect(job).toMatchObject({ state: "failed", attempt: 1, error_code: "file_odd" });
    expect(job?.error_message).toBe("a\uFFFDb\uFFFD");
  });

  it("tells the task's hook of a job that was not started in time as of one that failed", async () => {
    const ends: unknown[] = [];
    const queue = createQueue(
      () => Promise.reject(new Error("never run")),
      (end) => ends.push(end),
    );
    const { id } = await queue.add(task, { script: "x" }, { expiresInMs: 1 });
    await startWorker(queue);

    expect((await queue.waitForEnd(id, { timeoutMs: 10_000 }))?.state).toBe("expired");
    expect(ends).toMatchObject([{ jobId: id, state: "expired", error: { code: "job_expired" } }]);
  });

  it("tells nothing of SQL or paths, and keeps a code", async () => {
    const queue = createQueue(() => Promise.reject(new Error("open /home/me/secret")));
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 5_000 });

    expect(job).toMatchObject({ state: "failed", error_code: "internal_error" });
    expect(job?.error_message).not.toContain("secret");
  });

  it("comes without the hook when the hook refuses every end", async () => {
    let runs = 0;
    const hooks: string[] = [];
    const queue = createQueue(
      async () => {
        runs++;
        return { answer: "done" };
      },
      ({ state }) => {
        hooks.push(state);
        throw new Error("a broken hook");
      },
    );
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 5_000 });

    expect(job).toMatchObject({ state: "failed", error_code: "end_not_recorded" });
    expect(runs).toBe(1);
    expect(hooks).toEqual(["succeeded", "failed"]);
  });

  it("is recorded, and told its hook, when the handler has forgotten a field that the input needs", async () => {
    const inputs: unknown[] = [];
    const queue = createQueue(
      async (context) => {
        await context.transaction((scope) => forgetInput(scope, context.job.id, ["script"]));
        return { answer: "done" };
      },
      ({ input }) => inputs.push(input),
    );
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 5_000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(inputs).toEqual([{}]);
  });

  it("is written again when the connection of a process of its own was taken back", async () => {
    const states: string[] = [];
    const queue = createQueue(
      async () => ({ answer: "done" }),
      ({ state }) => {
        if (states.push(state) === 1) throw connectionGivenBack();
      },
    );
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 10_000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(states).toEqual(["succeeded", "succeeded"]);
  });

  it("comes without the hook when the connection is taken back in each", async () => {
    const states: string[] = [];
    const queue = createQueue(
      async () => ({ answer: "done" }),
      ({ state }) => {
        states.push(state);
        throw connectionGivenBack();
      },
    );
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 20_000 });

    expect(job).toMatchObject({ state: "failed", error_code: "end_not_recorded" });
    expect(states).toEqual(["succeeded", "succeeded", "succeeded", "failed"]);
  });

  it("counts an attempt that kept a transaction open without using it", async () => {
    const queue = createQueue(() => Promise.reject(connectionGivenBack()));
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 5_000 });

    expect(job).toMatchObject({ state: "failed", attempt: 1, error_code: "database_connection_given_back" });
  });

  it("succeeds whatever those who watch do", async () => {
    const queue = createQueue(async () => ({ answer: "done" }));
    queue.bus.onNotice(() => {
      throw new Error("a broken watcher");
    });
    queue.bus.onEvents(() => {
      throw new Error("a broken watcher");
    });
    await startWorker(queue);

    const job = await queue.waitForEnd(await enqueue(queue), { timeoutMs: 5_000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 1 });
  });

  it("is a cancel for a handler that ignores its soft limit", async () => {
    const released = Promise.withResolvers<Answer>();
    const limit = Promise.withResolvers<void>();
    const queue = createQueue(async ({ signal }) => {
      signal.addEventListener("abort", () => limit.resolve());
      return await released.promise;
    });
    await startWorker(queue);
    const id = await enqueue(queue);
    await limit.promise;

    await queue.transaction((scope) => queue.cancel(scope, id));
    const job = await queue.waitForEnd(id, { timeoutMs: 10_000 });

    expect(job).toMatchObject({ state: "cancelled" });
    released.resolve({ answer: "" });
  });

  it("waits for jobs of a claim that was under way when the worker stopped", async () => {
    let running = 0;
    const queue = createQueue(async () => {
      running++;
      await sleep(100);
      running--;
      return { answer: "done" };
    });
    const worker = await startWorker(queue);
    let id = "";
    const committing = Promise.withResolvers<void>();
    // With one connection the claim waits behind this and finds the job.
    const enqueued = queue.transaction(async (scope) => {
      id = (await queue.enqueue(scope, task, { script: "x" })).id;
      await committing.promise;
    });
    await sleep(100);

    const stopped = worker.stop();
    committing.resolve();
    await Promise.all([enqueued, stopped]);

    expect(running).toBe(0);
    const { attempts } = await readJobDetail(database.queryable, id);
    expect(attempts.filter(({ outcome }) => outcome === null)).toEqual([]);
    const [job] = await findJobs(database.queryable, [id]);
    expect(job?.state).not.toBe("running");
    if (job?.state === "queued") await queue.transaction((scope) => queue.cancel(scope, id));
  });
});

/** As a job in a process of its own gets it from the worker. */
function connectionGivenBack(): MillraceError {
  return new MillraceError({
    code: "database_connection_given_back",
    kind: "unavailable",
    message: "The transaction was undone.",
    retryable: true,
  });
}

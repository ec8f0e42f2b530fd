import { MillraceError, newId, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { defineTask, handleTask } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import { expireJobs } from "../../src/jobs/promote.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { useQueue } from "./use-queue.ts";

/** What it returns is stored as text and read as a date: the schema has to be asked on the way back. */
const parseDay = defineTask({
  name: "tests.parse_day",
  queue: "tests",
  input: z.object({ day: z.string() }),
  output: z.object({ at: z.coerce.date() }),
  retries: 0,
});

describe.each(testDatabases())("the result of a job on $name", (kind) => {
  const opened = useQueue(kind);

  const handler = handleTask({
    task: parseDay,
    run: async ({ input, signal }) => {
      if (input.day === "never") await sleep(60_000, signal);
      if (input.day === "wrong") {
        throw new MillraceError({ code: "no_such_day", kind: "invalid", message: "There is no such day." });
      }
      return { at: new Date(input.day) };
    },
  });
  const createQueue = (): Queue => opened.createQueue([handler]);

  it("is what the task's schema reads, for who calls and waits", async () => {
    const queue = createQueue();
    await opened.startWorker(queue);

    const output = await queue.call(parseDay, { day: "2026-01-31" }, { timeoutMs: 10_000 });

    expect(output).toEqual({ at: new Date("2026-01-31") });
  });

  it("is the same later, for who has the id", async () => {
    const queue = createQueue();
    await opened.startWorker(queue);
    const { id } = await queue.add(parseDay, { day: "2026-01-31" });
    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    expect(await queue.result(parseDay, id)).toEqual({ at: new Date("2026-01-31") });
  });

  it("reaches a caller in another process than the worker's", async () => {
    const [caller, runner] = [opened.createQueue([]), createQueue()];
    await opened.startWorker(runner);

    expect(await caller.call(parseDay, { day: "2026-01-31" }, { timeoutMs: 20_000 })).toEqual({
      at: new Date("2026-01-31"),
    });
  });

  it("is an error with the job's own code when it failed", async () => {
    const queue = createQueue();
    await opened.startWorker(queue);

    const called = queue.call(parseDay, { day: "wrong" }, { timeoutMs: 10_000 });

    await expect(called).rejects.toMatchObject({
      code: "job_failed",
      details: { error_code: "no_such_day" },
      message: expect.stringContaining("There is no such day."),
    });
  });

  it("is an error when it was cancelled", async () => {
    const queue = createQueue();
    const { id } = await queue.add(parseDay, { day: "2026-01-31" });
    await queue.transaction((scope) => queue.cancel(scope, id));

    await expect(queue.result(parseDay, id)).rejects.toMatchObject({ code: "job_cancelled" });
  });

  it("is an error when it was not started in time", async () => {
    const queue = createQueue();
    const { id } = await queue.add(parseDay, { day: "2026-01-31" }, { expiresInMs: -1 });
    await expireJobs({
      database: opened.database,
      bus: queue.bus,
      broker: createMemoryBroker(),
      registry: new TaskRegistry([handler]),
    });

    await expect(queue.result(parseDay, id)).rejects.toMatchObject({ code: "job_expired" });
  });

  it("is not there when the time to wait is over, and the job goes on", async () => {
    const queue = createQueue();

    const called = queue.call(parseDay, { day: "2026-01-31" }, { timeoutMs: 20, idempotencyKey: "k" });

    await expect(called).rejects.toMatchObject({ code: "job_not_finished", retryable: true });
    const again = await queue.add(parseDay, { day: "2026-01-31" }, { idempotencyKey: "k" });
    expect(again.state).toBe("queued");
  });

  it("is not there when the caller has gone away", async () => {
    const queue = createQueue();
    const gone = new AbortController();
    const called = queue.call(parseDay, { day: "2026-01-31" }, { timeoutMs: 60_000, signal: gone.signal });

    gone.abort();

    await expect(called).rejects.toMatchObject({ code: "job_not_finished" });
  });

  it("is not there before the end", async () => {
    const queue = createQueue();
    const { id } = await queue.add(parseDay, { day: "2026-01-31" });

    await expect(queue.result(parseDay, id)).rejects.toMatchObject({ code: "job_not_finished" });
  });

  it("is refused when the schema has changed and it does not fit any more", async () => {
    const queue = createQueue();
    await opened.startWorker(queue);
    const { id } = await queue.add(parseDay, { day: "2026-01-31" });
    await queue.waitForEnd(id, { timeoutMs: 10_000 });
    const changed = { ...parseDay, output: z.object({ day: z.number() }) };

    await expect(queue.result(changed, id)).rejects.toMatchObject({ code: "invalid_job_output" });
  });

  it("is refused for an id that no job has", async () => {
    await expect(createQueue().result(parseDay, newId())).rejects.toMatchObject({ code: "job_not_found" });
  });

  it("is that of the pending job where the task allows only one", async () => {
    const single = { ...parseDay, unique: () => "the only one" };
    const queue = opened.createQueue([
      handleTask({ task: single, run: async ({ input }) => ({ at: new Date(input.day) }) }),
    ]);
    await queue.add(single, { day: "2026-01-31" });
    const called = queue.call(single, { day: "2027-12-31" }, { timeoutMs: 10_000 });
    // Written together with that of the call.
    await queue.add(single, { day: "2028-12-31" });

    await opened.startWorker(queue);

    expect(await called).toEqual({ at: new Date("2026-01-31") });
  });

  it("takes a task's input of any shape, and a result that is nothing", async () => {
    const any = defineTask({ name: "tests.any", queue: "tests", input: z.unknown(), output: z.null() });
    const queue = opened.createQueue([handleTask({ task: any, run: async () => null })]);
    await opened.startWorker(queue);

    for (const input of [null, 0, "", [], "text", { a: [1] }]) {
      expect(await queue.call(any, input, { timeoutMs: 10_000 })).toBeNull();
    }
    const stored = await sql<{ input: unknown }>`
      SELECT input FROM job_payload JOIN job ON id = job_id ORDER BY id`.execute(opened.database.queryable);
    expect(stored.rows.map((row) => row.input)).toEqual([null, 0, "", [], "text", { a: [1] }]);
  });
});

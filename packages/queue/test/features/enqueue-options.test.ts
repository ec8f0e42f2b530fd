import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, forgetInput, handleTask } from "../../src/index.ts";
import type { EnqueueOptions, JobRecord, Queue } from "../../src/index.ts";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { expireJobs } from "../../src/jobs/promote.ts";
import { requeueJob } from "../../src/jobs/requeue.ts";
import type { Requeue } from "../../src/jobs/requeue.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { useQueue } from "./use-queue.ts";

const input = z.object({ text: z.string(), account: z.string().optional() });
const note = defineTask({ name: "tests.note", queue: "tests", input, output: z.string() });
/** Only one pending for each account. */
const sync: typeof note = { ...note, name: "tests.sync_account", unique: ({ account = "" }) => account };
const count = defineTask({
  name: "tests.note_counts",
  queue: "tests",
  input: z.record(z.string(), z.number()),
  output: z.null(),
});

describe.each(testDatabases())("enqueueing on $name", (kind) => {
  const opened = useQueue(kind);

  const add = (queue: Queue, options: EnqueueOptions = {}, text = "x"): Promise<JobRecord> =>
    queue.add(note, { text }, options);

  /** With the least that a task can do. */
  const workingQueue = (): Queue =>
    opened.createQueue(
      [note, sync].map((task) => handleTask({ task, run: async ({ input }) => input.text })),
    );

  const partsOf = (queue: Queue) => ({
    database: opened.database,
    broker: createMemoryBroker(),
    bus: queue.bus,
    registry: new TaskRegistry([handleTask({ task: note, run: async ({ input }) => input.text })]),
  });

  const countJobs = async (): Promise<number> => {
    const counted = await sql<{ count: number }>`SELECT count(*)::integer AS count FROM job`.execute(
      opened.database.queryable,
    );
    return counted.rows[0]?.count ?? 0;
  };

  describe("for later", () => {
    it.each<[string, () => EnqueueOptions]>([
      ["delayMs", () => ({ delayMs: 3_600_000 })],
      ["runAt", () => ({ runAt: new Date(Date.now() + 3_600_000) })],
      ["runAt rather than delayMs", () => ({ runAt: new Date(Date.now() + 3_600_000), delayMs: 1 })],
    ])("keeps a job out of the queue until its time (%s)", async (_name, options) => {
      const queue = opened.createQueue([]);

      const job = await add(queue, options());

      expect(job).toMatchObject({ state: "scheduled", reason: "delay" });
      const waitsMs = job.run_at.getTime() - job.created_at.getTime();
      expect(waitsMs).toBeGreaterThan(3_590_000);
      expect(waitsMs).toBeLessThan(3_610_000);
      expect(await opened.claim([note])).toEqual([]);
    });

    it("queues a job at once whose time is over", async () => {
      const job = await add(opened.createQueue([]), { runAt: new Date(0) });

      expect(job).toMatchObject({ state: "queued", reason: null });
    });

    it("runs a delayed job when it is due", async () => {
      const queue = workingQueue();
      await opened.startWorker(queue);

      const { id } = await add(queue, { delayMs: 50 });

      expect(await queue.waitForEnd(id, { timeoutMs: 10_000 })).toMatchObject({
        state: "succeeded",
        attempt: 1,
      });
    });

    it.each<[string, EnqueueOptions]>([
      ["no time", { runAt: new Date(Number.NaN) }],
      ["a delay that is no number", { delayMs: Number.NaN }],
      ["an endless delay", { delayMs: Number.POSITIVE_INFINITY }],
      ["an expiry that is no number", { expiresInMs: Number.NaN }],
    ])("refuses %s, and says so", async (_name, options) => {
      await expect(add(opened.createQueue([]), options)).rejects.toMatchObject({
        code: "invalid_job_option",
      });
    });
  });

  it.each([-1, 10, 2.5])("refuses a priority of %d, and says so", async (priority) => {
    await expect(add(opened.createQueue([]), { priority })).rejects.toMatchObject({
      code: "invalid_job_option",
    });
  });

  describe("with an expiry", () => {
    const expiring = { ...note, name: "tests.note_soon", expiresInMs: 60_000 };
    const error = { code: "tests_failed", message: "It failed." };

    const expiresAfterMs = async (id: string): Promise<number | null> => {
      const found = await sql<{ ms: number | null }>`
        SELECT (extract(epoch FROM expires_at - created_at) * 1000)::double precision AS ms
        FROM job WHERE id = ${id}`.execute(opened.database.queryable);
      return found.rows[0]?.ms ?? null;
    };

    it("takes the task's where the caller gives none", async () => {
      const { id } = await opened.createQueue([]).add(expiring, { text: "x" });

      expect(await expiresAfterMs(id)).toBe(60_000);
    });

    it("takes the caller's before the task's", async () => {
      const { id } = await opened.createQueue([]).add(expiring, { text: "x" }, { expiresInMs: 5_000 });

      expect(await expiresAfterMs(id)).toBe(5_000);
    });

    it("never expires where neither gives one", async () => {
      const { id } = await add(opened.createQueue([]));

      expect(await expiresAfterMs(id)).toBeNull();
    });

    it("starts nothing that is late, also before the upkeep has ended it", async () => {
      const queue = opened.createQueue([]);
      const { id } = await add(queue, { expiresInMs: 60_000 });
      await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(opened.database.queryable);

      expect(await opened.claim([note])).toEqual([]);
      expect(await opened.claim([note], { choice: "oldest" })).toEqual([]);
      expect(await expireJobs(partsOf(queue))).toMatchObject({ expired: 1 });
      expect(await opened.find(id)).toMatchObject({ state: "expired" });
    });

    it("expires a delayed job that is not due either", async () => {
      const queue = opened.createQueue([]);
      const { id } = await add(queue, { delayMs: 3_600_000, expiresInMs: 60_000 });
      await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(opened.database.queryable);

      await expireJobs(partsOf(queue));

      expect(await opened.find(id)).toMatchObject({ state: "expired" });
    });

    it.each<[string, Requeue, Partial<JobRecord>]>([
      ["a retry", { why: "retry", delayMs: 60_000, error }, { state: "scheduled", reason: "retry" }],
      ["a snooze", { why: "snooze", delayMs: 60_000 }, { state: "scheduled", reason: "snooze" }],
      ["its turn after a hand-back", { why: "handed_back" }, { state: "queued" }],
      ["its turn after a crash", { why: "crashed", crashCount: 0 }, { state: "queued" }],
    ])("does not expire a job that has begun and waits for %s", async (_name, requeue, waiting) => {
      const queue = opened.createQueue([]);
      const { id } = await add(queue, { expiresInMs: 60_000 });
      await opened.claim([note]);
      await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(opened.database.queryable);
      await queue.transaction(async (scope) => {
        const job = await lockJob(scope.transaction, id);
        await requeueJob(scope, partsOf(queue), job!, requeue);
      });

      expect(await expireJobs(partsOf(queue))).toMatchObject({ expired: 0 });
      expect(await opened.find(id)).toMatchObject(waiting);
    });

    it("starts a job again that had begun in time", async () => {
      const queue = opened.createQueue([]);
      const { id } = await add(queue, { expiresInMs: 60_000 });
      await opened.claim([note]);
      await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(opened.database.queryable);
      await queue.control.forceRelease(id, { by: "ann" });

      const again = await opened.claim([note]);

      expect(again.map((job) => job.id)).toEqual([id]);
    });
  });

  describe("unique while pending", () => {
    const addSync = (queue: Queue, text: string, account = "acme"): Promise<JobRecord> =>
      queue.add(sync, { text, account });

    it("gives the job that is pending", async () => {
      const queue = opened.createQueue([]);
      const first = await addSync(queue, "same");

      expect((await addSync(queue, "same")).id).toBe(first.id);
      expect(await countJobs()).toBe(1);
    });

    it("gives it whatever else the input says", async () => {
      const queue = opened.createQueue([]);
      const first = await addSync(queue, "one");

      expect((await addSync(queue, "other")).id).toBe(first.id);
    });

    it("gives it to an owner of another name", async () => {
      const queue = opened.createQueue([]);
      const first = await queue.add(sync, { text: "x" }, { owner: "a", idempotencyKey: "k" });

      const second = await queue.add(sync, { text: "y" }, { owner: "b", idempotencyKey: "k" });

      expect(second.id).toBe(first.id);
    });

    it("writes another for another key", async () => {
      const queue = opened.createQueue([]);
      const first = await addSync(queue, "x", "acme");

      expect((await addSync(queue, "x", "zenith")).id).not.toBe(first.id);
    });

    it("gives the job that runs", async () => {
      const queue = opened.createQueue([]);
      const first = await addSync(queue, "x");
      await opened.claim([sync]);

      expect(await addSync(queue, "x")).toMatchObject({ id: first.id, state: "running" });
    });

    it("writes a new one after the end", async () => {
      const queue = workingQueue();
      await opened.startWorker(queue);
      const first = await addSync(queue, "x");
      await queue.waitForEnd(first.id, { timeoutMs: 10_000 });

      expect((await addSync(queue, "x")).id).not.toBe(first.id);
    });

    it("writes one for 50 that come at once, each in a transaction of its own", async () => {
      const queue = opened.createQueue([]);

      const jobs = await Promise.all(
        Array.from({ length: 50 }, (_none, nth) =>
          queue.transaction((scope) => queue.enqueue(scope, sync, { text: String(nth), account: "acme" })),
        ),
      );

      expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
      expect(await countJobs()).toBe(1);
    });

    it("writes one for 50 that are merged", async () => {
      const queue = opened.createQueue([]);

      const jobs = await Promise.all(Array.from({ length: 50 }, (_none, nth) => addSync(queue, String(nth))));

      expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
      expect(await countJobs()).toBe(1);
    });

    it("writes one for each key that two processes add in opposite orders", async () => {
      const keys = Array.from({ length: 30 }, (_none, nth) => `account ${nth}`);
      const [one, other] = [opened.createQueue([]), opened.createQueue([])];

      for (let round = 0; round < 20; round++) {
        const account = (key: string): string => `${round} ${key}`;
        const [first, second] = await Promise.all([
          Promise.all(keys.map((key) => addSync(one, "x", account(key)))),
          Promise.all(keys.toReversed().map((key) => addSync(other, "x", account(key)))),
        ]);
        expect(second.map(({ id }) => id).toReversed()).toEqual(first.map(({ id }) => id));
      }
    });

    it("does not put a failed job back in line while another is pending", async () => {
      const queue = opened.createQueue([]);
      const failed = await addSync(queue, "x");
      await queue.transaction((scope) => queue.cancel(scope, failed.id));
      await addSync(queue, "x");

      const retried = queue.transaction((scope) => queue.retry(scope, failed.id));

      await expect(retried).rejects.toMatchObject({ code: "job_is_pending" });
    });
  });

  it("has one pending however a retry by a person and a new call meet", async () => {
    const queue = opened.createQueue([]);
    for (let round = 0; round < 30; round++) {
      const account = `account ${round}`;
      const { id } = await queue.add(sync, { text: "x", account });
      await queue.transaction((scope) => queue.cancel(scope, id));

      const [retried, added] = await Promise.allSettled([
        queue.transaction((scope) => queue.retry(scope, id)),
        queue.add(sync, { text: "x", account }),
      ]);

      expect(added).toMatchObject({ status: "fulfilled" });
      const isRefused = { status: "rejected", reason: { code: "job_is_pending" } };
      expect(retried).toMatchObject(retried.status === "rejected" ? isRefused : {});
    }
    const pending = await sql<{ count: number }>`
      SELECT count(*)::integer AS count FROM job WHERE finished_at IS NULL`.execute(
      opened.database.queryable,
    );
    expect(pending.rows).toEqual([{ count: 30 }]);
  });

  describe("with an idempotency key", () => {
    it("gives the same job for the same input, also after its end", async () => {
      const queue = workingQueue();
      await opened.startWorker(queue);
      const first = await add(queue, { owner: "a", idempotencyKey: "k" });
      await queue.waitForEnd(first.id, { timeoutMs: 10_000 });

      expect(await add(queue, { owner: "a", idempotencyKey: "k" })).toMatchObject({
        id: first.id,
        state: "succeeded",
      });
    });

    it("refuses another input", async () => {
      const queue = opened.createQueue([]);
      await add(queue, { idempotencyKey: "k" }, "one");

      await expect(add(queue, { idempotencyKey: "k" }, "other")).rejects.toMatchObject({
        code: "idempotency_key_reused",
      });
    });

    it("takes the fields of the input in any order", async () => {
      const queue = opened.createQueue([]);
      const first = await queue.add(count, { a: 1, b: 2 }, { idempotencyKey: "k" });

      expect((await queue.add(count, { b: 2, a: 1 }, { idempotencyKey: "k" })).id).toBe(first.id);
    });

    it.each<[string, EnqueueOptions, string]>([
      ["the key", { idempotencyKey: "k" }, "idempotency_key_reused"],
      ["the id", { id: newId() }, "job_id_taken"],
    ])(
      "gives the job that has forgotten fields by %s, if the others are the same",
      async (_name, options, code) => {
        const queue = opened.createQueue([]);
        const first = await queue.add(count, { secret: 1, other: 2, pages: 3 }, options);
        for (const field of ["secret", "unknown", "other"]) {
          await queue.transaction((scope) => forgetInput(scope, first.id, [field]));
        }

        const again = await queue.add(count, { secret: 1, other: 2, pages: 3 }, options);

        expect(again.id).toBe(first.id);
        const refused = expect.objectContaining({ code });
        await expect(queue.add(count, { secret: 1, other: 2, pages: 4 }, options)).rejects.toEqual(refused);
        await expect(queue.add(count, { pages: 3, unknown: 1 }, options)).rejects.toEqual(refused);
      },
    );

    it.each<[string, EnqueueOptions, EnqueueOptions]>([
      ["another owner", { owner: "a" }, { owner: "b" }],
      ["no owner", { owner: "a" }, {}],
    ])("counts by the owner: %s has its own keys", async (_name, one, other) => {
      const queue = opened.createQueue([]);
      const first = await add(queue, { ...one, idempotencyKey: "k" }, "one");

      const second = await add(queue, { ...other, idempotencyKey: "k" }, "other");

      expect(second.id).not.toBe(first.id);
    });

    it("writes one job for 50 that come at once", async () => {
      const queue = opened.createQueue([]);

      const jobs = await Promise.all(
        Array.from({ length: 50 }, () =>
          queue.transaction((scope) => queue.enqueue(scope, note, { text: "x" }, { idempotencyKey: "k" })),
        ),
      );

      expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
      expect(await countJobs()).toBe(1);
    });

    it("goes before what is pending with the same unique key", async () => {
      const queue = opened.createQueue([]);
      const asked = await queue.add(sync, { text: "x" }, { idempotencyKey: "k" });
      await queue.transaction((scope) => queue.cancel(scope, asked.id));
      await queue.add(sync, { text: "y" });

      expect((await queue.add(sync, { text: "x" }, { idempotencyKey: "k" })).id).toBe(asked.id);
    });

    it.each([
      ["too long", "k".repeat(256)],
      ["with NUL", "a\0b"],
      ["with half an emoji", "a\uD83D"],
    ])("refuses a key %s, and says so", async (_name, idempotencyKey) => {
      await expect(add(opened.createQueue([]), { idempotencyKey })).rejects.toMatchObject({
        code: "invalid_job_option",
      });
    });

    it("takes a key of any characters", async () => {
      const queue = opened.createQueue([]);
      const idempotencyKey = "é \\ \" ' {,} NULL 😀";
      const first = await add(queue, { idempotencyKey });

      expect((await add(queue, { idempotencyKey })).id).toBe(first.id);
    });
  });

  describe("with an id", () => {
    it("gives the job that has it when the input is the same", async () => {
      const queue = opened.createQueue([]);
      const id = newId();

      expect((await add(queue, { id })).id).toBe(id);
      expect((await add(queue, { id })).id).toBe(id);
      expect(await countJobs()).toBe(1);
    });

    it("refuses another input", async () => {
      const queue = opened.createQueue([]);
      const id = newId();
      await add(queue, { id }, "one");

      await expect(add(queue, { id }, "other")).rejects.toMatchObject({ code: "job_id_taken" });
    });

    it("refuses the id of a job of another task", async () => {
      const queue = opened.createQueue([]);
      const { id } = await queue.add(sync, { text: "x" });

      await expect(add(queue, { id })).rejects.toMatchObject({ code: "job_id_taken" });
    });

    it("gives one job for twice the same in one call", async () => {
      const queue = opened.createQueue([]);
      const request = { task: note, input: { text: "x" }, options: { id: newId() } };

      const jobs = await queue.addMany([request, request]);

      expect(jobs.map(({ id }) => id)).toEqual([request.options.id, request.options.id]);
      expect(await countJobs()).toBe(1);
    });

    it("refuses two inputs in one call", async () => {
      const queue = opened.createQueue([]);
      const options = { id: newId() };

      const adding = queue.addMany([
        { task: note, input: { text: "one" }, options },
        { task: note, input: { text: "other" }, options },
      ]);

      await expect(adding).rejects.toMatchObject({ code: "job_id_taken" });
      expect(await countJobs()).toBe(0);
    });
  });

  describe("with tags and meta", () => {
    const odd = [
      "",
      "plain",
      "two words",
      "NULL",
      'a "quoted" word',
      "it's",
      "back\\slash",
      "\\",
      "a,b",
      "{curly}",
      "[square]",
      "tab\tand\nline",
      "$1 %s :name",
      "😀 é 漢字",
    ];

    it("keeps them as they are, character by character", async () => {
      const queue = opened.createQueue([], { tasks: [note] });
      const meta = Object.fromEntries(odd.map((text) => [`key ${text}`, [text]]));

      const { id } = await add(queue, { tags: odd, meta });

      expect(await queue.readDetail(id)).toMatchObject({ tags: odd, meta });
    });

    it("keeps those of several jobs apart that are written together", async () => {
      const queue = opened.createQueue([], { tasks: [note] });

      const jobs = await queue.addMany(
        [[], ["one"], odd].map((tags) => ({ task: note, input: { text: "x" }, options: { tags } })),
      );

      const kept = await Promise.all(jobs.map(async ({ id }) => (await queue.readDetail(id)).tags));
      expect(kept).toEqual([[], ["one"], odd]);
    });

    it.each([
      ["NUL", "a\0b", "a\uFFFDb"],
      ["half an emoji", "a\uD83D", "a\uFFFD"],
    ])("puts the replacement character where PostgreSQL refuses %s", async (_name, text, kept) => {
      const queue = opened.createQueue([], { tasks: [note] });

      const { id } = await queue.add(note, { text }, { tags: [text], meta: { text } });

      expect(await queue.readDetail(id)).toMatchObject({
        input: { text: kept },
        tags: [kept],
        meta: { text: kept },
      });
    });
  });
});

import { MillraceError, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, forgetInput, handleTask, listLog, snooze } from "../../src/index.ts";
import type { JobContext, ProgressReport, Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.use_context",
  queue: "tests",
  input: z.object({ password: z.string().optional() }),
  output: z.unknown(),
  backoff: { firstSeconds: 0 },
  softLimitMs: 10_000,
  hardLimitMs: 20_000,
  redact: ["password"],
});

type Context = JobContext<z.infer<typeof task.input>>;

describe.each(testDatabases())("what a handler works with on $name", (kind) => {
  const opened = useQueue(kind);

  const createQueue = (run: (context: Context) => Promise<unknown>): Queue =>
    opened.createQueue([handleTask({ task, run })]);

  const runOne = async (
    run: (context: Context) => Promise<unknown>,
  ): Promise<{ readonly id: string; readonly queue: Queue }> => {
    const queue = createQueue(run);
    await opened.startWorker(queue);
    const { id } = await queue.add(task, {});
    await queue.waitForEnd(id, { timeoutMs: 15_000 });
    return { id, queue };
  };

  /** The progress that was stored, in order, of a handler that reports and waits until each has been. */
  const progressOf = async (reports: readonly ProgressReport[], pauseMs = 0) => {
    const { id, queue } = await runOne(async (context) => {
      for (const report of reports) {
        if (pauseMs > 0) await sleep(pauseMs);
        context.progress(report);
      }
      return null;
    });
    const { events } = await queue.feed.read(`job:${id}`, 0, 100);
    return { id, told: events.filter(({ type }) => type === "job.progressed").map(({ data }) => data) };
  };

  it("forgets what no further attempt needs", async () => {
    const seen: unknown[] = [];
    const queue = createQueue(async (context) => {
      seen.push(context.input);
      await context.transaction((scope) => forgetInput(scope, context.job.id, ["password"]));
      if (context.job.attempt === 1) throw new Error("again");
      return null;
    });
    await opened.startWorker(queue);

    const { id } = await queue.add(task, { password: "sesame" });
    await queue.waitForEnd(id, { timeoutMs: 15_000 });

    expect(seen).toEqual([{ password: "sesame" }, {}]);
    expect((await queue.readDetail(id)).input).toEqual({});
  });

  it.each<[string, (context: Context) => Promise<unknown>]>([
    ["transaction", ({ transaction }) => transaction(async () => undefined)],
    ["step", ({ step }) => step("inner", async () => 1)],
    ["child", ({ enqueueChild }) => enqueueChild("inner", task, {})],
    ["change of its meta", ({ setMeta }) => setMeta({ a: 1 })],
  ])("refuses a %s within a transaction, for whose end it would wait", async (_what, inner) => {
    const codes: unknown[] = [];
    const { id } = await runOne(async (context) => {
      await context
        .transaction(() => inner(context))
        .catch((error: unknown) => codes.push(error instanceof MillraceError ? error.code : error));
      // Not what comes after it.
      await context.transaction(async () => undefined);
      return await context.step("after", async () => 1);
    });

    expect(codes).toEqual(["nested_transaction"]);
    expect(await opened.find(id)).toMatchObject({ state: "succeeded" });
  });

  it("fails, with its connection free, where it waits for ever in a transaction of its own", async () => {
    const slow = { ...task, retries: 1, softLimitMs: 60_000, hardLimitMs: 60_000 };
    const stuck = handleTask({
      task: slow,
      run: async ({ isLastAttempt, transaction }) =>
        isLastAttempt ? null : await transaction(() => new Promise(() => undefined)),
    });
    const queue = opened.createQueue([stuck]);
    await opened.startWorker(queue);
    const { id } = await queue.add(slow, {});
    await queue.waitForEnd(id, { timeoutMs: 30_000 });

    const { attempts } = await queue.readDetail(id);
    expect(attempts.map(({ outcome, error_code: code }) => [outcome, code])).toEqual([
      ["succeeded", null],
      ["failed", "transaction_idle"],
    ]);
  }, 40_000);

  describe("meta", () => {
    it("is merged with what is there, field by field", async () => {
      const queue = createQueue(async (context) => {
        await context.setMeta({ pages: 3, title: "new" });
        await context.setMeta({ words: { de: 7 } });
        return null;
      });
      await opened.startWorker(queue);

      const { id } = await queue.add(task, {}, { meta: { title: "old", kept: true } });
      await queue.waitForEnd(id, { timeoutMs: 15_000 });

      expect((await queue.readDetail(id)).meta).toEqual({
        title: "new",
        kept: true,
        pages: 3,
        words: { de: 7 },
      });
    });

    it("is kept by an attempt that fails later", async () => {
      const { id, queue } = await runOne(async (context) => {
        if (context.job.attempt === 2) return null;
        await context.setMeta({ attempt: 1 });
        throw new Error("once");
      });

      expect((await queue.readDetail(id)).meta).toEqual({ attempt: 1 });
    });

    it("takes any characters", async () => {
      const { id, queue } = await runOne(async (context) => {
        await context.setMeta({ "a\"b'{}": ["\\", "a\0b", "\uD83D", "😀"] });
        return null;
      });

      expect((await queue.readDetail(id)).meta).toEqual({ "a\"b'{}": ["\\", "a\uFFFDb", "\uFFFD", "😀"] });
    });

    it("is not written by an attempt that lost its job", async () => {
      const released = Promise.withResolvers<void>();
      const written = Promise.withResolvers<unknown>();
      const queue = createQueue(async (context) => {
        await released.promise;
        await context.setMeta({ late: true }).then(written.resolve, written.reject);
        return null;
      });
      written.promise.catch(() => undefined);
      const other = opened.createQueue([]);
      await opened.startWorker(queue);
      const { id } = await queue.add(task, {});
      await expect.poll(async () => (await opened.find(id)).state).toBe("running");
      await queue.control.pause("tests", { by: "the test" });
      await other.control.forceRelease(id, { by: "the test" });
      released.resolve();

      await expect(written.promise).rejects.toMatchObject({ code: "lease_lost" });
      expect((await other.readDetail(id)).meta).toEqual({});
    });
  });

  describe("the time left", () => {
    it("is that until the soft limit, and grows less", async () => {
      const left: number[] = [];
      await runOne(async ({ timeLeft }) => {
        left.push(timeLeft());
        await sleep(30);
        left.push(timeLeft());
        return null;
      });

      const [first = 0, second = 0] = left;
      expect(first).toBeLessThanOrEqual(10_000);
      expect(first).toBeGreaterThan(0);
      expect(first - second).toBeGreaterThanOrEqual(25);
    });

    it("is nothing when the soft limit is over", async () => {
      const short = { ...task, softLimitMs: 50 };
      const left: number[] = [];
      const queue = opened.createQueue([
        handleTask({
          task: short,
          run: async ({ signal, timeLeft }) => {
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            await sleep(10);
            left.push(timeLeft());
            return null;
          },
        }),
      ]);
      await opened.startWorker(queue);
      const { id } = await queue.add(short, {});
      await queue.waitForEnd(id, { timeoutMs: 15_000 });

      expect(left[0]).toBe(0);
    });
  });

  describe("progress", () => {
    it("is the per cent of what is done, and full at the end", async () => {
      const { told, id } = await progressOf([{ done: 3, total: 12, unit: "pages", message: "Reading" }]);

      expect(told[0]).toMatchObject({ percent: 25, done: 3, total: 12, unit: "pages", message: "Reading" });
      expect(await opened.find(id)).toMatchObject({ state: "succeeded", percent: 100, eta_seconds: null });
    });

    it("says how long it will take at the pace so far", async () => {
      const { told } = await progressOf(
        Array.from({ length: 5 }, (_none, nth) => ({ done: nth + 1, total: 1000 })),
        400,
      );

      const seconds = told.map(({ eta_seconds }) => eta_seconds).findLast((value) => value !== null);
      // 996 steps of 0.4 s each at least.
      expect(seconds).toBeGreaterThan(300);
    });

    it("never goes back, whatever the handler says", async () => {
      const reports = [{ percent: 60 }, { percent: 10 }, { done: 1, total: 100 }, { percent: 61 }];

      const { told } = await progressOf(reports, 300);

      const percents = told.map(({ percent }) => Number(percent));
      expect(percents).toEqual(percents.toSorted((left, right) => left - right));
      expect(percents.at(-1)).toBe(61);
    });

    it.each([
      ["more than all", { percent: 250 }, 100],
      ["less than nothing", { percent: -5 }, 0],
      ["a per cent that is no number", { percent: Number.NaN }, 0],
      ["nothing of nothing", { done: 0, total: 0 }, 0],
      ["counts that are no numbers", { done: Number.NaN, total: Number.NaN }, 0],
    ])("stays between 0 and 100 when the handler reports %s", async (_name, report, percent) => {
      const { told, id } = await progressOf([report]);

      expect(told).toMatchObject([{ percent }]);
      expect(await opened.find(id)).toMatchObject({ state: "succeeded" });
    });

    it("of one job is written whatever the database refuses of another", async () => {
      const ended = Promise.withResolvers<void>();
      const queue = createQueue(async (context) => {
        if (context.input.password === "odd") context.log("no such level" as "info", "x");
        context.progress({ percent: 50 });
        await ended.promise;
        return null;
      });
      await opened.startWorker(queue);
      const odd = await queue.add(task, { password: "odd" });
      const plain = await queue.add(task, {});

      await expect.poll(async () => (await opened.find(plain.id)).percent).toBe(50);
      ended.resolve();
      expect(await queue.waitForEnd(odd.id, { timeoutMs: 15_000 })).toMatchObject({ state: "succeeded" });
    });

    it("is full at the end also when an earlier attempt reported it", async () => {
      let runs = 0;
      const { id } = await runOne(async (context) => {
        if (runs++ > 0) return null;
        context.progress({ percent: 40 });
        throw snooze(0, "not now");
      });

      expect(await opened.find(id)).toMatchObject({ state: "succeeded", attempt: 1, percent: 100 });
    });

    it("says nothing that the task hides", async () => {
      const queue = createQueue(async (context) => {
        context.progress({ percent: 1, stage: "with secret-word", message: "It is secret-word" });
        context.log("info", "It is secret-word");
        throw new Error("once");
      });
      await opened.startWorker(queue);
      const { id } = await queue.add({ ...task, retries: 0 }, { password: "secret-word" });
      await queue.waitForEnd(id, { timeoutMs: 15_000 });

      const { events } = await queue.feed.read(`job:${id}`, 0, 100);
      const lines = await listLog(opened.database.queryable, { jobIds: [id], limit: 10 });
      expect(JSON.stringify([events, lines, await opened.find(id)])).not.toContain("secret-word");
      expect(lines.map(({ message }) => message)).toEqual(["It is [redacted]"]);
    });
  });

  it("knows its attempt and whether it is the last", async () => {
    const seen: unknown[] = [];
    const queue = createQueue(async ({ job, isLastAttempt }) => {
      seen.push([job.attempt, job.maxAttempts, isLastAttempt]);
      throw new Error("always");
    });
    await opened.startWorker(queue);
    const { id } = await queue.add({ ...task, retries: 1 }, {});
    await queue.waitForEnd(id, { timeoutMs: 15_000 });

    expect(seen).toEqual([
      [1, 2, false],
      [2, 2, true],
    ]);
  });

  describe("what people see of a job", () => {
    it("is without what the task hides, the input and the output", async () => {
      const hiding = { ...task, redact: ["password", "tokens[*].value"] };
      const queue = opened.createQueue([
        handleTask({
          task: hiding,
          run: async ({ input }) => ({ tokens: [{ value: input.password }, { id: 1 }] }),
        }),
      ]);
      await opened.startWorker(queue);
      const { id } = await queue.add(hiding, { password: "secret-word" });
      await queue.waitForEnd(id, { timeoutMs: 15_000 });

      expect(await queue.readDetail(id)).toMatchObject({
        input: { password: "[redacted]" },
        output: { tokens: [{ value: "[redacted]" }, { id: 1 }] },
      });
      expect(await queue.result(hiding, id)).toEqual({ tokens: [{ value: "secret-word" }, { id: 1 }] });
    });

    it("is nothing of the input in a process that does not know the task", async () => {
      const { id } = await createQueue(() => Promise.resolve(null)).add(task, { password: "secret-word" });

      expect(await opened.createQueue([]).readDetail(id)).toMatchObject({
        input: "[redacted]",
        output: null,
      });
    });
  });
});

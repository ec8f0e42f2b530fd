import { sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleBatchTask, handleTask } from "../../src/index.ts";
import type { BatchOutcome, JobContext, JobRecord, Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.embed_text",
  queue: "tests",
  input: z.object({ text: z.string() }),
  output: z.object({ length: z.number() }),
  retries: 0,
});
const wider = { ...task, input: z.object({ text: z.unknown() }) };

type Contexts = readonly JobContext<z.infer<typeof task.input>>[];
type Outcomes = readonly BatchOutcome<z.infer<typeof task.output>>[];
type Run = (contexts: Contexts, signal: AbortSignal) => Promise<Outcomes>;

const lengths: Run = async (contexts) =>
  contexts.map(({ input }) => ({ output: { length: input.text.length } }));

describe.each(testDatabases())("batches on $name", (kind) => {
  const opened = useQueue(kind);

  /** Notes the texts of each batch, in its order. */
  const createQueue = (
    batches: string[][],
    options: { readonly maxSize?: number; readonly maxWaitMs?: number; readonly run?: Run } = {},
  ): Queue => {
    const { maxSize = 4, maxWaitMs = 0, run = lengths } = options;
    return opened.createQueue([
      handleBatchTask({
        task,
        maxSize,
        maxWaitMs,
        run: (contexts, signal) => {
          batches.push(contexts.map(({ input }) => input.text));
          return run(contexts, signal);
        },
      }),
    ]);
  };

  const addAll = (queue: Queue, texts: readonly string[]): Promise<JobRecord[]> =>
    queue.addMany(texts.map((text) => ({ task, input: { text } })));

  const ends = async (
    queue: Queue,
    jobs: readonly { readonly id: string }[],
  ): Promise<(string | undefined)[]> => {
    const ended = await Promise.all(jobs.map(({ id }) => queue.waitForEnd(id, { timeoutMs: 15_000 })));
    return ended.map((job) => (job?.error_code === null ? job.state : `${job?.state}: ${job?.error_code}`));
  };

  it("have as many jobs as they may, and give each its own result", async () => {
    const batches: string[][] = [];
    const queue = createQueue(batches);
    const jobs = await addAll(queue, ["a", "bb", "ccc", "dddd", "eeeee"]);

    await opened.startWorker(queue, { concurrency: 8 });

    expect(await ends(queue, jobs)).toEqual(jobs.map(() => "succeeded"));
    expect(batches).toEqual([["a", "bb", "ccc", "dddd"], ["eeeee"]]);
    const results = await Promise.all(jobs.map(({ id }) => queue.result(task, id)));
    expect(results).toEqual([1, 2, 3, 4, 5].map((length) => ({ length })));
  });

  it("wait for more jobs, and start at once when they are full", async () => {
    const batches: string[][] = [];
    const queue = createQueue(batches, { maxSize: 3, maxWaitMs: 60_000 });
    await opened.startWorker(queue, { concurrency: 8 });
    const first = await addAll(queue, ["a"]);
    await expect.poll(async () => (await opened.find(first[0]?.id ?? "")).state).toBe("running");

    const later = await addAll(queue, ["b", "c"]);

    expect(await ends(queue, [...first, ...later])).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(batches).toEqual([["a", "b", "c"]]);
  });

  it("start as they are when they have waited long enough", async () => {
    const batches: string[][] = [];
    const queue = createQueue(batches, { maxWaitMs: 50 });
    await opened.startWorker(queue, { concurrency: 8 });

    const jobs = await addAll(queue, ["a", "b"]);

    expect(await ends(queue, jobs)).toEqual(["succeeded", "succeeded"]);
    expect(batches).toEqual([["a", "b"]]);
  });

  it("have no jobs of other tasks", async () => {
    const single = { ...task, name: "tests.embed_alone" };
    const batches: string[][] = [];
    const note = handleBatchTask({
      task,
      maxSize: 4,
      run: async (contexts) => {
        batches.push(contexts.map(({ input }) => input.text));
        return await lengths(contexts, new AbortController().signal);
      },
    });
    const queue = opened.createQueue([
      note,
      handleTask({ task: single, run: async ({ input }) => ({ length: input.text.length }) }),
    ]);
    const jobs = await queue.addMany([
      { task, input: { text: "a" } },
      { task: single, input: { text: "alone" } },
      { task, input: { text: "b" } },
    ]);

    await opened.startWorker(queue, { concurrency: 8 });

    expect(await ends(queue, jobs)).toEqual(jobs.map(() => "succeeded"));
    expect(batches).toEqual([["a", "b"]]);
  });

  it("fail only the job that fails", async () => {
    const queue = createQueue([], {
      run: async (contexts) =>
        contexts.map(({ input }) =>
          input.text === "bad" ? { error: new Error("bad") } : { output: { length: input.text.length } },
        ),
    });
    const jobs = await addAll(queue, ["a", "bad", "c"]);

    await opened.startWorker(queue, { concurrency: 8 });

    expect(await ends(queue, jobs)).toEqual(["succeeded", "failed: internal_error", "succeeded"]);
  });

  it("run without a job whose input does not fit", async () => {
    const batches: string[][] = [];
    const queue = createQueue(batches);
    const jobs = await queue.addMany([
      { task: wider, input: { text: "a" } },
      { task: wider, input: { text: 7 } },
      { task: wider, input: { text: "c" } },
    ]);

    await opened.startWorker(queue, { concurrency: 8 });

    expect(await ends(queue, jobs)).toEqual(["succeeded", "failed: invalid_job_input", "succeeded"]);
    expect(batches).toEqual([["a", "c"]]);
  });

  it("fail only the job whose output does not fit", async () => {
    const queue = createQueue([], {
      run: async (contexts) =>
        contexts.map(({ input }) => ({
          output: { length: input.text === "bad" ? (10n as unknown as number) : input.text.length },
        })),
    });
    const jobs = await addAll(queue, ["a", "bad"]);

    await opened.startWorker(queue, { concurrency: 8 });

    expect(await ends(queue, jobs)).toEqual(["succeeded", "failed: invalid_job_output"]);
  });

  it("fail all their jobs when what runs them throws, each by its own retries", async () => {
    let runs = 0;
    const queue = createQueue([], {
      run: async (contexts, signal) => {
        if (runs++ === 0) throw new Error("the model is away");
        return await lengths(contexts, signal);
      },
    });
    const retried = { ...task, retries: 1, backoff: { ...task.backoff, firstSeconds: 0 } };
    const jobs = await queue.addMany([
      { task, input: { text: "a" } },
      { task: retried, input: { text: "b" } },
    ]);

    await opened.startWorker(queue, { concurrency: 8 });
    await ends(queue, jobs.slice(0, 1));

    expect((await opened.find(jobs[0]?.id ?? "")).state).toBe("failed");
    await expect
      .poll(() => opened.find(jobs[1]?.id ?? ""))
      .toMatchObject({ state: "scheduled", reason: "retry" });
  });

  it("are told to stop at the soft limit, and given up at the hard one", async () => {
    const bounded = { ...task, softLimitMs: 200, hardLimitMs: 400 };
    const stops: unknown[] = [];
    const queue = opened.createQueue([
      handleBatchTask({
        task: bounded,
        maxSize: 4,
        run: (_contexts, signal) => {
          signal.addEventListener("abort", () => stops.push(signal.reason));
          return new Promise(() => undefined);
        },
      }),
    ]);
    const jobs = await addAll(queue, ["a", "b"]);

    await opened.startWorker(queue, { concurrency: 8 });

    expect(await ends(queue, jobs)).toEqual(jobs.map(() => "failed: job_timed_out"));
    expect(stops).toMatchObject([{ reason: "timed_out" }]);
  });

  it("go on without a job that is cancelled", async () => {
    const cancelled = Promise.withResolvers<void>();
    const queue = createQueue([], {
      run: async (contexts) => {
        contexts[1]?.signal.addEventListener("abort", () => cancelled.resolve());
        await cancelled.promise;
        return contexts.map(({ signal, input }) =>
          signal.aborted ? { error: new Error("cancelled") } : { output: { length: input.text.length } },
        );
      },
    });
    const jobs = await addAll(queue, ["a", "b", "c"]);
    await opened.startWorker(queue, { concurrency: 8 });
    await expect.poll(async () => (await opened.find(jobs[2]?.id ?? "")).state).toBe("running");

    await queue.transaction((scope) => queue.cancel(scope, jobs[1]?.id ?? ""));

    expect(await ends(queue, jobs)).toEqual(["succeeded", "cancelled", "succeeded"]);
  });

  it("write nothing for a job that was taken from them", async () => {
    const running = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const queue = createQueue([], {
      run: async (contexts, signal) => {
        if (contexts.length === 1) return await lengths(contexts, signal);
        running.resolve();
        await taken.promise;
        return contexts.map(() => ({ output: { length: 99 } }));
      },
    });
    const other = opened.createQueue([]);
    const jobs = await addAll(queue, ["a", "bb"]);
    await opened.startWorker(queue, { concurrency: 8 });
    await running.promise;

    // Taken by another process, which this one hears nothing of.
    await other.control.forceRelease(jobs[1]?.id ?? "", { by: "the test" });
    taken.resolve();

    expect(await ends(queue, jobs)).toEqual(["succeeded", "succeeded"]);
    expect(await queue.result(task, jobs[0]?.id ?? "")).toEqual({ length: 99 });
    expect(await queue.result(task, jobs[1]?.id ?? "")).toEqual({ length: 2 });
    await expect.poll(() => queue.staleWrites).toBe(1);
  });

  describe("that still wait for jobs", () => {
    const gather = async (batches: string[][], run: Run = lengths) => {
      const queue = createQueue(batches, { maxSize: 3, maxWaitMs: 600_000, run });
      const worker = await opened.startWorker(queue, { concurrency: 8, drainMs: 600_000 });
      const jobs = await addAll(queue, ["a", "b"]);
      for (const { id } of jobs) {
        await expect.poll(async () => (await opened.find(id)).state).toBe("running");
      }
      return { queue, worker, jobs };
    };

    it("hold slots, which the worker shows", async () => {
      const { queue, worker } = await gather([]);

      expect(worker.busySlots).toBe(2);
      await expect.poll(() => queue.control.listWorkers()).toMatchObject([{ running: 2 }]);
      worker.handBack();
    });

    it("are handed back when the worker stops, and not started", async () => {
      const batches: string[][] = [];
      const { worker, jobs } = await gather(batches, async (contexts, signal) => {
        await sleep(60_000, signal);
        return await lengths(contexts, signal);
      });

      await worker.stop();

      expect(await Promise.all(jobs.map(async ({ id }) => (await opened.find(id)).state))).toEqual([
        "queued",
        "queued",
      ]);
      expect(batches).toEqual([]);
    });

    it("let go of a job that is cancelled", async () => {
      const batches: string[][] = [];
      const { queue, jobs } = await gather(batches);

      await queue.transaction((scope) => queue.cancel(scope, jobs[0]?.id ?? ""));
      expect(await ends(queue, jobs.slice(0, 1))).toEqual(["cancelled"]);
      const later = await addAll(queue, ["c", "d"]);

      expect(await ends(queue, [...jobs.slice(1), ...later])).toEqual([
        "succeeded",
        "succeeded",
        "succeeded",
      ]);
      expect(batches).toEqual([["b", "c", "d"]]);
    });

    it("let go of a job that is taken away", async () => {
      const batches: string[][] = [];
      const { queue, jobs } = await gather(batches);

      await queue.control.forceRelease(jobs[0]?.id ?? "", { by: "the test" });
      const later = await addAll(queue, ["c"]);

      expect(await ends(queue, [...jobs, ...later])).toEqual(["succeeded", "succeeded", "succeeded"]);
      expect(batches.map((texts) => texts.toSorted())).toEqual([["a", "b", "c"]]);
    });
  });
});

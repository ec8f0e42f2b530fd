import { MemoryStore, StoredCache } from "@millrace/cache";
import { silentLogger } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { JobContext } from "../worker/job-context.ts";
import { defineTask, handleTask } from "./task.ts";
import type { TaskOptions } from "./task.ts";

type Input = { readonly word: string };
type Output = { readonly length: number };

const measureWord: TaskOptions<Input, Output> = {
  name: "words.measure_word",
  input: z.object({ word: z.string() }),
  output: z.object({ length: z.number() }),
};

function contextOf(input: unknown): JobContext<unknown> {
  const unused = () => Promise.reject(new Error("not used here"));
  return {
    job: { id: "1", task: "words.measure_word", owner: null, stream: "job:1", attempt: 1, maxAttempts: 4 },
    input,
    signal: new AbortController().signal,
    isLastAttempt: false,
    timeLeft: () => 1000,
    step: unused,
    transaction: unused,
    enqueueChild: unused,
    startWorkflow: unused,
    waitFor: unused,
    setMeta: unused,
    progress: () => undefined,
    log: () => undefined,
    cache: new StoredCache({ store: new MemoryStore(), logger: silentLogger }),
    logger: silentLogger,
  };
}

describe("defineTask", () => {
  it("takes the product's defaults", () => {
    expect(defineTask(measureWord)).toMatchObject({
      version: 1,
      queue: "default",
      priority: 5,
      retries: 3,
      backoff: { firstSeconds: 60, factor: 2, capSeconds: 600, jitter: "full" },
      softLimitMs: 1_500_000,
      hardLimitMs: 1_800_000,
      redact: [],
      maxOutputBytes: 1_048_576,
    });
  });

  it("keeps the defaults of what is left out of the back-off", () => {
    expect(defineTask({ ...measureWord, backoff: { firstSeconds: 1, jitter: "none" } }).backoff).toEqual({
      firstSeconds: 1,
      factor: 2,
      capSeconds: 600,
      jitter: "none",
    });
  });

  it("reads its rate limits", () => {
    const task = defineTask({
      ...measureWord,
      rateLimit: "10/s",
      keyRateLimit: { limit: "60/m", burst: 3 },
      limitKey: ({ word }) => word,
    });

    expect(task.rateLimit).toEqual({ perSecond: 10, burst: 1 });
    expect(task.keyRateLimit).toEqual({ perSecond: 1, burst: 3 });
  });

  it.each<[string, Partial<TaskOptions<Input, Output>>]>([
    ["an empty name", { name: "" }],
    ["a name with an end missing", { name: "words." }],
    ["a name with capitals", { name: "words.measureWord" }],
    ["a name with an empty part", { name: "words..measure" }],
    ["a name without end", { name: `words.${"a".repeat(200)}` }],
    ["a queue with a dot", { queue: "slow.queue" }],
    ["a queue of 64 letters", { queue: "q".repeat(64) }],
    ["an empty queue", { queue: "" }],
    ["priority 10", { priority: 10 }],
    ["priority -1", { priority: -1 }],
    ["priority 1.5", { priority: 1.5 }],
    ["-1 retries", { retries: -1 }],
    ["half a retry", { retries: 0.5 }],
    ["version 0", { version: 0 }],
    ["no time at all", { softLimitMs: 0 }],
    ["a hard limit under the soft one", { softLimitMs: 2000, hardLimitMs: 1000 }],
    ["a hard limit that no timer can hold", { hardLimitMs: 2 ** 31 }],
    ["an expiry of 0", { expiresInMs: 0 }],
    ["a concurrency of 0", { concurrency: 0 }],
    ["a concurrency per key of 0", { keyConcurrency: 0, limitKey: () => "a" }],
    ["a rate per key without a key", { keyRateLimit: "1/s" }],
    ["a concurrency per key without a key", { keyConcurrency: 2 }],
    ["a negative retention", { retention: { succeededDays: -1 } }],
    ["a child without room for Node", { isolation: { memoryMegabytes: 8 } }],
    ["an output of no bytes", { maxOutputBytes: 0 }],
    ["a wait that shrinks", { backoff: { factor: 0.5 } }],
    ["a first wait of NaN", { backoff: { firstSeconds: NaN } }],
    ["a wait without end", { backoff: { capSeconds: Infinity } }],
    ["a redacted place that is no path", { redact: ["items["] }],
  ])("refuses %s", (_what, options) => {
    expect(() => defineTask({ ...measureWord, ...options })).toThrow(
      expect.objectContaining({ code: "invalid_task" }),
    );
  });

  it("refuses an output that JSON can't say", () => {
    const nothing = { name: "words.forget_word", input: z.object({}) };

    expect(() => defineTask({ ...nothing, output: z.void() })).toThrow(
      expect.objectContaining({ code: "invalid_task" }),
    );
    expect(() => defineTask({ ...nothing, output: z.object({}).optional() })).toThrow(
      expect.objectContaining({ code: "invalid_task" }),
    );
    expect(defineTask({ ...nothing, output: z.null() }).name).toBe("words.forget_word");
    expect(defineTask({ ...nothing, output: z.unknown() }).name).toBe("words.forget_word");
  });

  it("refuses a rate limit that can't be read", () => {
    expect(() => defineTask({ ...measureWord, rateLimit: "often" })).toThrow(
      expect.objectContaining({ code: "invalid_rate_limit" }),
    );
  });
});

describe("handleTask", () => {
  const run = (context: JobContext<Input>): Promise<Output> =>
    Promise.resolve({ length: context.input.word.length });

  it("gives the handler what the schema made of the input", async () => {
    const trimmed = defineTask({ ...measureWord, input: z.object({ word: z.string().trim() }) });

    const { readInput, run: runJob } = handleTask({ task: trimmed, run });
    const output = await runJob(contextOf(readInput({ word: " abc " })));

    expect(output).toEqual({ length: 3 });
  });

  it("refuses an input that does not fit, once and for all", () => {
    const handler = handleTask({ task: defineTask(measureWord), run });

    expect(() => handler.readInput({ word: 5 })).toThrow(
      expect.objectContaining({ code: "invalid_job_input", retryable: false }),
    );
  });

  it("refuses an output that does not fit; another try may do better", async () => {
    const answer = { length: "long" } as unknown as Output;
    const handler = handleTask({ task: defineTask(measureWord), run: () => Promise.resolve(answer) });

    await expect(handler.run(contextOf({ word: "a" }))).rejects.toMatchObject({
      code: "invalid_job_output",
      retryable: true,
    });
  });

  it("refuses an output that is no JSON", async () => {
    const task = defineTask({ ...measureWord, output: z.bigint() });
    const handler = handleTask({ task, run: () => Promise.resolve(5n) });

    await expect(handler.run(contextOf({ word: "a" }))).rejects.toMatchObject({ code: "invalid_job_output" });
  });

  it("refuses an output that is too large, by its bytes", async () => {
    const task = defineTask({ ...measureWord, output: z.string(), maxOutputBytes: 10 });
    const fits = handleTask({ task, run: () => Promise.resolve("12345678") });
    const exceeds = handleTask({ task, run: () => Promise.resolve("1234567é") });

    await expect(fits.run(contextOf({ word: "a" }))).resolves.toBe("12345678");
    await expect(exceeds.run(contextOf({ word: "a" }))).rejects.toMatchObject({
      code: "result_too_large",
      retryable: false,
      details: { bytes: 11, maxBytes: 10 },
    });
  });

  it("has nothing to do at the end of a job when the task has not", () => {
    expect(handleTask({ task: defineTask(measureWord), run }).onEnd).toBeUndefined();
  });
});

import { MillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { JobContext } from "../worker/job-context.ts";
import { snooze } from "../worker/job-ending.ts";
import { handleBatchTask, settled } from "./batch-task.ts";
import type { BatchOutcome, BatchTaskHandler } from "./batch-task.ts";
import { defineTask } from "./task.ts";

type Input = { readonly text: string };
type Output = { readonly size: number };

const task = defineTask<Input, Output>({
  name: "texts.embed_text",
  input: z.object({ text: z.string() }),
  output: z.object({ size: z.number() }),
});

const { signal } = new AbortController();

function contextOf(input: unknown): JobContext<unknown> {
  return { input, signal } as JobContext<unknown>;
}

/** What becomes of jobs with these texts. */
async function runBatch(
  run: BatchTaskHandler<Input, Output>["run"],
  texts: readonly string[],
): Promise<readonly BatchOutcome[]> {
  const { batch } = handleBatchTask({ task, maxSize: 8, run });
  if (batch === undefined) throw new Error("not a batch");
  return await batch.run(
    texts.map((text) => contextOf({ text })),
    signal,
  );
}

function measureAll(contexts: readonly JobContext<Input>[]): Promise<readonly BatchOutcome<Output>[]> {
  return Promise.resolve(contexts.map(({ input }) => ({ output: { size: input.text.length } })));
}

describe("a batch", () => {
  it("gives each job its own output, in order", async () => {
    const outcomes = await runBatch(measureAll, ["a", "bcd"]);

    expect(outcomes).toEqual([{ output: { size: 1 } }, { output: { size: 3 } }]);
  });

  it("fails only the job whose output does not fit", async () => {
    const wrong = { output: { size: "big" } } as unknown as BatchOutcome<Output>;

    const outcomes = await runBatch(() => Promise.resolve([{ output: { size: 1 } }, wrong]), ["a", "b"]);

    expect(outcomes).toEqual([
      { output: { size: 1 } },
      { error: expect.objectContaining({ code: "invalid_job_output" }) },
    ]);
  });

  it("ends one job in its own way", async () => {
    const later = snooze(10, "not yet");

    const outcomes = await runBatch(
      () => Promise.resolve([{ error: later }, { output: { size: 2 } }]),
      ["a", "b"],
    );

    expect(outcomes).toEqual([{ error: later }, { output: { size: 2 } }]);
  });

  it("fails all its jobs with what the handler throws", async () => {
    const busy = new MillraceError({ code: "busy", kind: "unavailable", message: "Busy.", retryable: true });

    const outcomes = await runBatch(() => Promise.reject(busy), ["a", "b"]);

    expect(outcomes).toEqual([{ error: busy }, { error: busy }]);
  });

  it.each([0, 1, 3])("trusts none of %s outcomes for two jobs", async (count) => {
    const given = Array.from({ length: count }, () => ({ output: { size: 1 } }));

    const outcomes = await runBatch(() => Promise.resolve(given), ["a", "b"]);

    const error = expect.objectContaining({ code: "invalid_batch_result", retryable: true });
    expect(outcomes).toEqual([{ error }, { error }]);
  });
});

describe("handleBatchTask", () => {
  it("runs one job as a batch of one", async () => {
    const handler = handleBatchTask({ task, maxSize: 8, run: measureAll });

    await expect(handler.run(contextOf({ text: "four" }))).resolves.toEqual({ size: 4 });
  });

  it("throws what became of that one job", async () => {
    const later = snooze(10, "not yet");
    const handler = handleBatchTask({ task, maxSize: 8, run: () => Promise.resolve([{ error: later }]) });

    await expect(handler.run(contextOf({ text: "a" }))).rejects.toBe(later);
  });

  it("takes what is there unless told to wait", () => {
    expect(handleBatchTask({ task, maxSize: 8, run: measureAll }).batch).toMatchObject({
      maxSize: 8,
      maxWaitMs: 0,
    });
  });

  it.each([
    { maxSize: 0 },
    { maxSize: 1.5 },
    { maxSize: 1001 },
    { maxSize: 8, maxWaitMs: -1 },
    { maxSize: 8, maxWaitMs: NaN },
    { maxSize: 8, maxWaitMs: task.softLimitMs },
  ])("refuses %o", (sizes) => {
    expect(() => handleBatchTask({ task, ...sizes, run: measureAll })).toThrow(
      expect.objectContaining({ code: "invalid_task" }),
    );
  });
});

describe("settled", () => {
  it("keeps what failed apart from what did not", async () => {
    const error = new Error("no");

    await expect(settled([Promise.resolve({ size: 1 }), Promise.reject(error)])).resolves.toEqual([
      { output: { size: 1 } },
      { error },
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { handleBatchTask } from "../tasks/batch-task.ts";
import type { BatchTaskHandler } from "../tasks/batch-task.ts";
import { TaskRegistry } from "../tasks/task-registry.ts";
import { defineTask } from "../tasks/task.ts";
import { AttemptStop } from "./attempt-stop.ts";
import { BatchGatherer } from "./batch-gatherer.ts";
import type { JobContext } from "./job-context.ts";

const task = defineTask({ name: "texts.embed_text", input: z.unknown(), output: z.unknown() });

/** Runs one job for each attempt in one batch. */
async function runTogether(
  attempts: readonly AttemptStop[],
  run: BatchTaskHandler["run"],
): Promise<PromiseSettledResult<unknown>[]> {
  const gatherer = new BatchGatherer(new TaskRegistry([handleBatchTask({ task, maxSize: 8, run })]));
  const job = { task: task.name, task_version: 1 } as ClaimedJob;
  return await Promise.allSettled(
    attempts.map(async (attempt) => await gatherer.runOf(job)?.({} as JobContext<unknown>, attempt)),
  );
}

describe("the signal of a batch", () => {
  it("aborts when the last of its jobs is to stop, not before", async () => {
    const [first, second] = [new AttemptStop(), new AttemptStop()];
    const seen: boolean[] = [];

    await runTogether([first, second], async (contexts, signal) => {
      first.stop("timed_out");
      first.stop("cancelled");
      seen.push(signal.aborted);
      second.stop("shutdown");
      seen.push(signal.aborted);
      return contexts.map(() => ({ output: null }));
    });

    expect(seen).toEqual([false, true]);
  });
});

describe("a job that was told to stop before its batch began", () => {
  it("is not in it", async () => {
    const stopped = new AttemptStop();
    stopped.stop("cancelled");
    let size = 0;

    const results = await runTogether([stopped, new AttemptStop()], async (contexts) => {
      size = contexts.length;
      return contexts.map(() => ({ output: "done" }));
    });

    expect(size).toBe(1);
    expect(results).toEqual([
      { status: "rejected", reason: stopped.aborted },
      { status: "fulfilled", value: "done" },
    ]);
  });
});

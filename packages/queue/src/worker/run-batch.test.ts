import { expect, it } from "vitest";
import { z } from "zod";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { handleBatchTask } from "../tasks/batch-task.ts";
import { defineTask } from "../tasks/task.ts";
import { BatchMember } from "./batch-member.ts";
import type { ExecuteParts } from "./execution.ts";
import { runBatch } from "./run-batch.ts";

const task = defineTask({ name: "texts.embed_text", input: z.unknown(), output: z.unknown() });
const parts = {
  writer: { open: () => undefined, close: () => undefined, hasHeard: () => false },
  successes: { recordAll: async (successes: readonly unknown[]) => successes.map(() => true) },
} as unknown as ExecuteParts;

it("tells a batch to stop when the last of its jobs is to stop, not before", async () => {
  const seen: boolean[] = [];
  let ended = 0;
  const handler = handleBatchTask({
    task,
    maxSize: 8,
    run: async (contexts, signal) => {
      first.stop("timed_out");
      first.stop("cancelled");
      seen.push(signal.aborted);
      second.stop("shutdown");
      seen.push(signal.aborted);
      return contexts.map(() => ({ output: null }));
    },
  });
  const member = (id: string): BatchMember => {
    const job = { id, task: task.name, task_version: 1, stream: `job:${id}`, workflow_id: null, input: {} };
    return new BatchMember(parts, handler, job as ClaimedJob, { ran: () => undefined, done: () => ended++ });
  };
  const [first, second] = [member("a"), member("b")];

  await runBatch(parts, { handler, runner: handler.batch! }, [first, second]);
  await expect.poll(() => ended).toBe(2);

  expect(seen).toEqual([false, true]);
});

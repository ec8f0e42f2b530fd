import { testDatabases, waitFor } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { chord, defineTask, handleTask, map, step } from "../../src/index.ts";
import { useQueue } from "../features/use-queue.ts";
import { double, plainHandlers, sum } from "./tasks.ts";

const begin = defineTask({
  name: "tests.begin_flow",
  queue: "tests",
  input: z.object({ failsFirst: z.boolean() }),
  output: z.object({ id: z.string() }),
  backoff: { firstSeconds: 0 },
});

const handleBegin = handleTask({
  task: begin,
  run: async ({ input, job, startWorkflow }) => {
    const { id } = await startWorkflow("doubles", chord(map(double, [1, 2, 3]), step(sum)));
    if (input.failsFirst && job.attempt === 1) throw new Error("after the start");
    return { id };
  },
});

describe.each(testDatabases())("a workflow that a handler starts on $name", (kind) => {
  const opened = useQueue(kind);

  it("is its owner's, and gives what it gives", async () => {
    const queue = opened.createQueue([...plainHandlers, handleBegin]);
    await opened.startWorker(queue);

    const { id } = await queue.call(begin, { failsFirst: false }, { owner: "ann", timeoutMs: 20_000 });

    await queue.workflows.waitForEnd(id, { timeoutMs: 20_000 });
    expect(await queue.workflows.get(id)).toMatchObject({ owner: "ann", state: "succeeded" });
    expect(await queue.workflows.result({ id })).toBe(12);
  });

  it("is one, though its job is tried again", async () => {
    const queue = opened.createQueue([...plainHandlers, handleBegin]);
    await opened.startWorker(queue);

    const { id } = await queue.call(begin, { failsFirst: true }, { owner: "bob", timeoutMs: 20_000 });

    await waitFor(async () => (await queue.workflows.get(id)).state === "succeeded", {
      describe: "the end of the workflow",
    });
    const all = await queue.workflows.list({ owners: ["bob"], limit: 10 });
    expect(all.map((workflow) => workflow.id)).toEqual([id]);
  });

  it("is listed with those of nobody where both are asked for, newest first, page by page", async () => {
    const { workflows } = opened.createQueue(plainHandlers);
    const ids: string[] = [];
    for (const owner of ["cleo", undefined, "dan", "cleo"]) {
      const { id } = await workflows.start(step(double, 1), { name: "listed", ...(owner && { owner }) });
      ids.unshift(id);
    }
    const [newest, , nobodys, oldest] = ids;
    const list = async (owners: readonly (string | null)[], before?: string, limit = 2) =>
      (await workflows.list({ owners, name: "listed", before, limit })).map(({ id }) => id);

    expect(await list(["cleo", null])).toEqual([newest, nobodys]);
    expect(await list(["cleo", null], nobodys)).toEqual([oldest]);
    expect(await list([null])).toEqual([nobodys]);
    expect(await list([])).toEqual([]);
  });
});

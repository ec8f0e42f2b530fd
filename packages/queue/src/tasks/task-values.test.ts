import { describe, expect, it } from "vitest";
import { z } from "zod";
import { prepareJob } from "../jobs/enqueue.ts";
import { schedule } from "../schedules/schedule.ts";
import { chunks, map, step } from "../workflows/flow.ts";
import { defineTask, handleTask } from "./task.ts";
import type { Task } from "./task.ts";

const task = defineTask({ name: "add", input: z.array(z.number()), output: z.number() });
// What no compiler has seen may give one for the other.
const handler: unknown = handleTask({ task, run: async ({ input }) => input.length });
const notTask = handler as Task<number[], number>;

describe("a handler in the place of its task", () => {
  it.each<[string, () => unknown]>([
    ["enqueued", () => prepareJob(notTask, [])],
    ["scheduled", () => schedule({ name: "nightly", task: notTask, input: [], cron: "0 3 * * *" })],
    ["a step", () => step(notTask)],
    ["mapped", () => map(notTask)],
    ["given in chunks", () => chunks(notTask, [], 2)],
  ])("is refused where it is %s", (_what, use) => {
    expect(use).toThrow(expect.objectContaining({ code: "not_a_task" }));
  });
});

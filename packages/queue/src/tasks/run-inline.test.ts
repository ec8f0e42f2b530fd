import type { Transaction } from "@millrace/database";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { JobContext } from "../worker/job-context.ts";
import { snooze } from "../worker/job-ending.ts";
import { step } from "../workflows/flow.ts";
import type { WriteScope } from "../write-scope.ts";
import { handleBatchTask } from "./batch-task.ts";
import { runInline } from "./run-inline.ts";
import { defineTask, handleTask } from "./task.ts";

type Input = { readonly count: number };
type Output = { readonly sum: number };

const addUp = defineTask<Input, Output>({
  name: "numbers.add_up",
  input: z.object({ count: z.number() }),
  output: z.object({ sum: z.number() }),
});
const tellSum = defineTask({
  name: "numbers.tell_sum",
  input: z.object({ at: z.string() }),
  output: z.null(),
});

function handlerOf(run: (context: JobContext<Input>) => Promise<Output>) {
  return handleTask({ task: addUp, run });
}

const scope: WriteScope = { transaction: {} as Transaction, afterCommit: () => undefined };

describe("runInline", () => {
  it("gives the typed output", async () => {
    const { output } = await runInline(
      handlerOf(({ input }) => Promise.resolve({ sum: input.count + 1 })),
      { count: 2 },
    );

    expect(output.sum).toBe(3);
  });

  it("throws what the handler threw", async () => {
    const later = snooze(10, "not yet");

    await expect(
      runInline(
        handlerOf(() => Promise.reject(later)),
        { count: 1 },
      ),
    ).rejects.toBe(later);
  });

  it("throws what it waits for, and goes on with the answer among its steps", async () => {
    const handler = handlerOf(async ({ input, waitFor }) => ({
      sum: input.count + (await waitFor("more", { question: "How many more?", schema: z.number() })),
    }));

    await expect(runInline(handler, { count: 1 })).rejects.toMatchObject({
      ending: { kind: "wait", question: { key: "more", text: "How many more?" } },
    });
    const { output } = await runInline(handler, { count: 1 }, { steps: new Map([["more", 2]]) });

    expect(output.sum).toBe(3);
  });

  it("refuses an input that does not fit", async () => {
    const input = { count: "two" } as unknown as Input;

    await expect(
      runInline(
        handlerOf(() => Promise.resolve({ sum: 0 })),
        input,
      ),
    ).rejects.toMatchObject({ code: "invalid_job_input" });
  });

  it("shows that an output does not survive JSON", async () => {
    const task = defineTask({ name: "dates.read_date", input: z.object({}), output: z.date() });
    const handler = handleTask({ task, run: () => Promise.resolve(new Date(0)) });

    await expect(runInline(handler, {})).rejects.toMatchObject({ code: "invalid_job_output" });
  });

  it("gathers progress, log lines and meta", async () => {
    const run = await runInline(
      handlerOf(async (context) => {
        context.progress({ done: 1, total: 2, unit: "numbers" });
        context.log("info", "halfway", "adding");
        await context.setMeta({ stage: "half" });
        await context.setMeta({ by: "test" });
        return { sum: 0 };
      }),
      { count: 1 },
    );

    expect(run.progress).toEqual([{ done: 1, total: 2, unit: "numbers" }]);
    expect(run.logs).toEqual([{ level: "info", message: "halfway", step: "adding" }]);
    expect(run.meta).toEqual({ stage: "half", by: "test" });
  });

  it("tells the handler of its attempt", async () => {
    const seen: unknown[] = [];
    const handler = handlerOf(({ job, isLastAttempt }) => {
      seen.push([job.attempt, job.maxAttempts, job.owner, isLastAttempt]);
      return Promise.resolve({ sum: 0 });
    });

    await runInline(handler, { count: 1 });
    await runInline(handler, { count: 1 }, { attempt: 4, owner: "ada" });

    expect(seen).toEqual([
      [1, 4, null, false],
      [4, 4, "ada", true],
    ]);
  });

  it("runs a batch handler with a batch of one", async () => {
    const handler = handleBatchTask({
      task: addUp,
      maxSize: 4,
      run: (contexts) => Promise.resolve(contexts.map(({ input }) => ({ output: { sum: input.count } }))),
    });

    await expect(runInline(handler, { count: 5 })).resolves.toMatchObject({ output: { sum: 5 } });
  });
});

describe("steps of an inline run", () => {
  it("are recorded as JSON keeps them", async () => {
    const { steps } = await runInline(
      handlerOf(async ({ step }) => {
        await step("when", () => Promise.resolve(new Date(0)));
        await step("nothing", () => Promise.resolve());
        return { sum: 0 };
      }),
      { count: 1 },
    );

    expect([...steps]).toEqual([
      ["when", "1970-01-01T00:00:00.000Z"],
      ["nothing", null],
    ]);
  });

  it("are not run again by the next attempt", async () => {
    const steps = new Map<string, unknown>();
    let calls = 0;
    const handler = handlerOf(async ({ job, step }) => {
      const sum = await step("pay", () => Promise.resolve(++calls), { output: z.number() });
      if (job.attempt === 1) throw new Error("after the step");
      return { sum };
    });

    await expect(runInline(handler, { count: 1 }, { steps })).rejects.toThrow("after the step");
    const { output } = await runInline(handler, { count: 1 }, { steps, attempt: 2 });

    expect(output).toEqual({ sum: 1 });
    expect(calls).toBe(1);
  });

  it("stop at a signal", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));

    await expect(
      runInline(
        handlerOf(({ step }) => step("late", () => Promise.resolve({ sum: 0 }))),
        { count: 1 },
        { signal },
      ),
    ).rejects.toThrow("stopped");
  });
});

describe("transactions of an inline run", () => {
  const emitting = handlerOf(async ({ transaction }) => {
    await transaction(({ emit }) => {
      emit("numbers.added", { sum: 3 });
      return Promise.resolve();
    });
    return { sum: 3 };
  });

  it("need a database", async () => {
    await expect(runInline(emitting, { count: 1 })).rejects.toMatchObject({
      code: "inline_without_database",
    });
  });

  it("tell of their events", async () => {
    const { events } = await runInline(emitting, { count: 1 }, { transaction: (work) => work(scope) });

    expect(events).toEqual([{ type: "numbers.added", data: { sum: 3 } }]);
  });

  it("tell of the events of the last try only", async () => {
    const { events } = await runInline(
      emitting,
      { count: 1 },
      {
        transaction: async (work) => {
          await work(scope);
          return await work(scope);
        },
      },
    );

    expect(events).toHaveLength(1);
  });

  it("leave a step open when its record fails", async () => {
    const steps = new Map<string, unknown>();
    const handler = handlerOf(({ step }) =>
      step("pay", () => Promise.resolve({ sum: 1 }), { record: () => Promise.reject(new Error("no row")) }),
    );

    await expect(
      runInline(handler, { count: 1 }, { steps, transaction: (work) => work(scope) }),
    ).rejects.toThrow("no row");
    expect(steps.size).toBe(0);
  });
});

describe("children of an inline run", () => {
  it("are told, not run", async () => {
    const { children, steps } = await runInline(
      handlerOf(async ({ enqueueChild }) => {
        await enqueueChild("tell", tellSum, { at: "noon" }, { priority: 9 });
        return { sum: 0 };
      }),
      { count: 1 },
    );

    expect(children).toEqual([
      {
        id: expect.any(String),
        key: "tell",
        task: "numbers.tell_sum",
        input: { at: "noon" },
        options: { priority: 9 },
      },
    ]);
    expect(steps.get("tell")).toEqual({ id: children[0]!.id });
  });

  it("are enqueued once, however often the handler runs", async () => {
    const steps = new Map<string, unknown>();
    const ids: string[] = [];
    const handler = handlerOf(async ({ enqueueChild }) => {
      ids.push((await enqueueChild("tell", tellSum, { at: "noon" })).id);
      return { sum: 0 };
    });

    await runInline(handler, { count: 1 }, { steps });
    const second = await runInline(handler, { count: 1 }, { steps, attempt: 2 });

    expect(second.children).toEqual([]);
    expect(ids[0]).toBe(ids[1]);
  });

  it("are refused with an input that does not fit", async () => {
    const handler = handlerOf(async ({ enqueueChild }) => {
      await enqueueChild("tell", tellSum, { at: 5 as unknown as string });
      return { sum: 0 };
    });

    await expect(runInline(handler, { count: 1 })).rejects.toMatchObject({ code: "invalid_job_input" });
  });
});

describe("workflows of an inline run", () => {
  it("are told of and not run, and are there for a second run with the same steps", async () => {
    const ids: string[] = [];
    const handler = handlerOf(async ({ startWorkflow }) => {
      ids.push((await startWorkflow("tell", step(tellSum, { at: "noon" }))).id);
      return { sum: 0 };
    });

    const first = await runInline(handler, { count: 1 });
    const second = await runInline(handler, { count: 1 }, { steps: new Map(first.steps) });

    expect(first.workflows).toMatchObject([{ key: "tell", id: ids[0] }]);
    expect(second.workflows).toEqual([]);
    expect(ids[1]).toBe(ids[0]);
  });
});

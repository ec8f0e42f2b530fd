import { defineTask, handleTask, MillraceError, z } from "millrace";
import { paidStep, readFence } from "../outside.ts";

// An outage fails attempts of those who are at work; no outage of a run may last longer than these tries.
export const enduring = { retries: 30, backoff: { firstSeconds: 0.5, factor: 2, capSeconds: 5 } };

export const nothing = defineTask({
  name: "chaos.nothing",
  input: z.object({ index: z.number() }),
  output: z.number(),
  ...enduring,
});
export const handleNothing = handleTask({ task: nothing, run: async ({ input }) => input.index });

/** Several steps, each with a call outside and a payment. */
export const pay = defineTask({
  name: "chaos.pay",
  input: z.object({ steps: z.number(), holdMs: z.number() }),
  output: z.number(),
  ...enduring,
});
export const handlePay = handleTask({
  task: pay,
  run: async (context) => {
    const { steps, holdMs } = context.input;
    const fence = await readFence(context);
    for (let number = 1; number <= steps; number++)
      await paidStep(context, `pay/${number}`, { fence, holdMs });
    return steps;
  },
});

/** Fails some times after its first step, and then goes on. */
export const flaky = defineTask({
  name: "chaos.flaky",
  input: z.object({ failures: z.number(), holdMs: z.number() }),
  output: z.number(),
  ...enduring,
});
export const handleFlaky = handleTask({
  task: flaky,
  run: async (context) => {
    const { failures, holdMs } = context.input;
    const fence = await readFence(context);
    await paidStep(context, "before", { fence, holdMs });
    if (context.job.attempt <= failures)
      throw new Error(`Attempt ${context.job.attempt} fails as it should.`);
    await paidStep(context, "after", { fence, holdMs });
    return context.job.attempt;
  },
});

/** Never succeeds. */
export const failing = defineTask({
  name: "chaos.fail",
  input: z.object({}),
  output: z.number(),
  ...enduring,
});
export const handleFailing = handleTask({
  task: failing,
  run: async () => {
    // Of the kind that is not tried again.
    throw new MillraceError({
      code: "meant_to_fail",
      kind: "invalid",
      message: "This job was meant to fail.",
    });
  },
});

/** What joins a chord. */
export const sum = defineTask({
  name: "chaos.sum",
  input: z.array(z.number()),
  output: z.number(),
  ...enduring,
});
export const handleSum = handleTask({
  task: sum,
  run: async ({ input }) => input.reduce((total, one) => total + one, 0),
});

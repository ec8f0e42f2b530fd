import { setTimeout } from "node:timers/promises";
import { defineConfig, defineTask, handleTask, z } from "millrace";

const callModel = defineTask({
  name: "call_model",
  queue: "calls",
  input: z.strictObject({ index: z.number() }),
  output: z.number(),
  retries: 0,
});

const tick = defineTask({
  name: "tick",
  queue: "calls",
  input: z.strictObject({ times: z.number(), pauseMs: z.number() }),
  output: z.number(),
});

export default defineConfig({
  tasks: ({ models }) => [
    handleTask({
      task: callModel,
      run: async ({ input, signal }) => {
        const asked = { purpose: "bench", instructions: "Answer.", text: `Question ${input.index}` };
        return (await models.generateText({ ...asked, signal })).value.length;
      },
    }),
    handleTask({
      task: tick,
      run: async ({ input: { times, pauseMs }, progress, signal }) => {
        for (let done = 1; done <= times; done += 1) {
          progress({ done, total: times });
          await setTimeout(pauseMs, undefined, { signal });
        }
        return times;
      },
    }),
  ],
});

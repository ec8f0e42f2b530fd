import { defineConfig, defineTask, handleTask, z } from "millrace";

const callModel = defineTask({
  name: "call_model",
  queue: "calls",
  input: z.strictObject({ index: z.number() }),
  output: z.number(),
  retries: 0,
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
  ],
});

import { defineTask, handleTask, z } from "millrace";

export const add = defineTask({
  name: "add",
  description: "Adds two numbers",
  input: z.strictObject({ x: z.number(), y: z.number() }),
  output: z.number(),
});

export const handleAdd = handleTask({ task: add, run: async ({ input }) => input.x + input.y });

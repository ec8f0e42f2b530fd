import { z } from "zod";
import { defineTask, handleTask } from "../../src/index.ts";
import type { AnyTaskHandler } from "../../src/index.ts";

export const add = defineTask({
  name: "tests.add",
  queue: "tests",
  input: z.object({ x: z.number(), y: z.number() }),
  output: z.number(),
  retries: 0,
});
export const double = defineTask({
  name: "tests.double",
  queue: "tests",
  input: z.number(),
  output: z.number(),
  retries: 0,
});
export const sum = defineTask({
  name: "tests.sum",
  queue: "tests",
  input: z.array(z.number()),
  output: z.number(),
  retries: 0,
});
export const count = defineTask({
  name: "tests.count_up",
  queue: "tests",
  input: z.number(),
  output: z.array(z.number()),
  retries: 0,
});
export const keep = defineTask({
  name: "tests.keep",
  queue: "tests",
  input: z.unknown(),
  output: z.unknown(),
  retries: 0,
});

export const plainHandlers: readonly AnyTaskHandler[] = [
  handleTask({ task: add, run: async ({ input }) => input.x + input.y }),
  handleTask({ task: double, run: async ({ input }) => input * 2 }),
  handleTask({ task: sum, run: async ({ input }) => input.reduce((all, one) => all + one, 0) }),
  handleTask({ task: count, run: async ({ input }) => Array.from({ length: input }, (_none, nth) => nth) }),
  handleTask({ task: keep, run: async ({ input }) => input }),
];

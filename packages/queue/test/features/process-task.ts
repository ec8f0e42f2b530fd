import { z } from "zod";
import { defineTask } from "../../src/index.ts";

export const processTask = defineTask({
  name: "tests.run_in_process",
  queue: "tests",
  input: z.object({ script: z.string(), ms: z.number().optional(), file: z.string().optional() }),
  output: z.string(),
  retries: 0,
});

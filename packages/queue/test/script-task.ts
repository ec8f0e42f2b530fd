import { z } from "zod";
import { defineTask } from "../src/index.ts";

/** A task whose input names what it is to do. Retries come at once. */
export const scriptTask = defineTask({
  name: "tests.run_script",
  queue: "tests",
  input: z.object({ script: z.string() }),
  output: z.object({ answer: z.string() }),
  backoff: { firstSeconds: 0, factor: 2, capSeconds: 0 },
});

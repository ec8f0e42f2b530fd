import { z } from "zod";
import { defineTask } from "../src/index.ts";

export const hintedTask = defineTask({
  name: "tests.be_hinted",
  queue: "hinted",
  input: z.object({ from: z.string() }),
  output: z.null(),
});

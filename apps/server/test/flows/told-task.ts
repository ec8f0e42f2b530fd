/** A task of somebody's program whose input says how its jobs end, in a queue of its own. */
export const toldTask = {
  name: "tests.do_as_told",
  queue: "told",
  files: {
    "tasks/do-as-told.ts": `import { once } from "node:events";
import { defineTask, handleTask, MillraceError, z } from "millrace";

const task = defineTask({
  name: "tests.do_as_told",
  queue: "told",
  retries: 0,
  redact: ["secret"],
  input: z.object({ end: z.enum(["answer", "ask", "fail", "hold"]), secret: z.string().default(""), text: z.string().default("") }),
  output: z.object({ text: z.string() }),
});
export const handler = handleTask({
  task,
  run: async ({ input, signal, log, waitFor }) => {
    if (input.text !== "") log("info", input.text);
    if (input.end === "ask") {
      return { text: await waitFor("word", { question: "Which word?", schema: z.string().min(3) }) };
    }
    if (input.end === "fail") {
      throw new MillraceError({ code: "sack_empty", kind: "invalid", message: "Sack 17 of \\"rye\\" is empty" });
    }
    if (input.end === "hold" && !signal.aborted) await once(signal, "abort");
    signal.throwIfAborted();
    return { text: input.text };
  },
});
`,
  },
} as const;

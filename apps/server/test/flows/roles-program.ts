/** Tasks of somebody's program, by what the tests of roles need: each tells the process that ran it; and a route that does. */
export const rolesProgram = {
  "millrace.config.ts": `import { defineConfig } from "millrace";
import type { Plugin } from "millrace";

const routes: Plugin = async (app) => {
  app.get("/api/process", async () => ({ pid: process.pid }));
};
export default defineConfig({ plugins: [routes] });
`,
  "tasks/roles.ts": `import { once } from "node:events";
import { defineTask, handleTask, z } from "millrace";

const input = z.object({ text: z.string().default("") });
const output = z.object({ pid: z.number(), parent: z.number() });
const tell = async () => ({ pid: process.pid, parent: process.ppid });

export const chat = handleTask({
  task: defineTask({ name: "roles.answer", queue: "chat", input, output }),
  run: tell,
});
export const isolated = handleTask({
  task: defineTask({ name: "roles.isolated", queue: "chat", input, output, isolation: {} }),
  run: tell,
});
export const batch = handleTask({
  task: defineTask({ name: "roles.hold", queue: "batch", retries: 0, input, output }),
  run: async ({ signal }) => {
    if (!signal.aborted) await once(signal, "abort");
    signal.throwIfAborted();
    return await tell();
  },
});
`,
} as const;

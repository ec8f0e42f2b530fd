/** The process of its own that jobs of the queue's tests get. */
import { silentLogger, sleep } from "@millrace/kernel";
import { handleTask, serveOneJob } from "../src/index.ts";
import { scriptTask } from "./script-task.ts";

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

function spin(): never {
  for (;;);
}

await serveOneJob({
  parent: process,
  kind: "embedded",
  logger: silentLogger,
  open: async () => ({
    close: async () => undefined,
    handlers: [
      handleTask({
        task: scriptTask,
        run: async (context) => {
          switch (context.input.script) {
            case "die":
              return await die();
            case "die_in_transaction":
              return await context.transaction(die);
            case "spin":
              await context.step("pid", async () => process.pid);
              return spin();
            case "wait":
              await sleep(60_000, context.signal);
              return { answer: "never" };
            default: {
              context.log("info", "in a process of its own");
              const answer = await context.step("work", async () => ({ pid: process.pid }));
              return { answer: String(answer.pid) };
            }
          }
        },
      }),
    ],
  }),
});

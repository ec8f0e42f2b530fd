/**
 * A worker that runs the members and bodies of chords until it is killed. Arguments: `folder` or `url`, and
 * where that is. Says a line for each member that it ran.
 */
import { lockFolder, openEmbedded, openPostgres } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import { handleTask, Queue } from "../../src/index.ts";
import { body, member } from "./chord-tasks.ts";

const [kind = "", target = ""] = process.argv.slice(2);
if (kind === "folder") lockFolder(target);
const database =
  kind === "folder"
    ? await openEmbedded(target)
    : openPostgres({ url: target, poolSize: 4, logger: silentLogger });
const queue = new Queue({
  database,
  logger: silentLogger,
  handlers: [
    handleTask({
      task: member,
      run: async ({ input }) => {
        // Some end together, some by themselves.
        await sleep(input % 7);
        process.stdout.write("ran\n");
        return input;
      },
    }),
    handleTask({
      task: body,
      run: async ({ input }) => ({ count: input.length, sum: input.reduce((all, one) => all + one, 0) }),
    }),
  ],
});
if (kind === "folder") await queue.takeBackAll();
const leaseMs = 2_000;
await queue.createWorker({ name: "chord", concurrency: 20, leaseMs, pollMs: 50 }).start();

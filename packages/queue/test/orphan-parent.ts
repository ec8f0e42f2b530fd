/** A worker whose job, by the script that is named, goes on for ever. Prints the number that it leaves as a step. */
import { silentLogger } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { handleTask, Queue } from "../src/index.ts";
import { scriptTask } from "./script-task.ts";

const database = await openTestDatabase();
const run = (): Promise<never> => Promise.reject(new Error("runs in the child"));
const queue = new Queue({
  database,
  logger: silentLogger,
  handlers: [handleTask({ task: scriptTask, run })],
});
const { id } = await queue.transaction((scope) =>
  queue.enqueue(scope, scriptTask, { script: process.argv[2] ?? "" }),
);
await sql`UPDATE job SET runs_alone = true WHERE id = ${id}`.execute(database.queryable);
const worker = queue.createWorker({
  name: "w",
  concurrency: 1,
  leaseMs: 20_000,
  beatMs: 5_000,
  pollMs: 50,
  drainMs: 100,
  isolationEntry: new URL("./isolated-child.ts", import.meta.url),
});
await worker.start();
const look = setInterval(() => {
  void sql<{ output: number | null }>`SELECT output FROM job_step WHERE job_id = ${id}`
    .execute(database.queryable)
    .then(({ rows: [step] }) => {
      if (typeof step?.output !== "number") return;
      clearInterval(look);
      process.stdout.write(`${step.output}\n`);
    });
}, 50);

/**
 * A worker process as the product starts one: on SIGTERM it drains, on the second it hands back at once.
 * Arguments: the address of the database, the lease and the time to drain in milliseconds. Says on its
 * standard output what happens, a line of JSON each.
 */
import { existsSync } from "node:fs";
import { openPostgres } from "@millrace/database";
import { silentLogger, sleep, stopReason } from "@millrace/kernel";
import { handleTask, Queue } from "../../src/index.ts";
import { processTask } from "./process-task.ts";

const [url = "", leaseMs = "", drainMs = ""] = process.argv.slice(2);
const database = openPostgres({ url, poolSize: 4, logger: silentLogger });
const say = (line: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify(line)}\n`);
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Holds the thread and everything on it, as a handler without an await does. */
function block(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

const handler = handleTask({
  task: processTask,
  run: async ({ input, job, signal }) => {
    signal.addEventListener("abort", () => {
      say({ kind: "aborted", id: job.id, reason: stopReason(signal) });
    });
    say({ kind: "started", id: job.id });
    if (input.script === "wait") await sleep(600_000, signal);
    if (input.script === "block") block(input.ms ?? 0);
    if (input.script === "block until") while (!existsSync(input.file ?? "")) block(20);
    if (input.script === "wait until") while (!existsSync(input.file ?? "")) await sleep(20, signal);
    return "the worker's process";
  },
});

const queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
queue.on("write.refused", ({ job }) => say({ kind: "refused", id: job.id }));
queue.on("worker.draining", () => say({ kind: "draining" }));
const worker = queue.createWorker({
  name: "process",
  concurrency: 4,
  leaseMs: Number(leaseMs),
  beatMs: Number(leaseMs) / 6,
  pollMs: 50,
  drainMs: Number(drainMs),
  heartbeatUrl: url,
});

let stopping: Promise<void> | undefined;
process.on("SIGTERM", () => {
  if (stopping !== undefined) return worker.handBack();
  stopping = worker.stop().then(() => database.close());
});
await worker.start();
say({ kind: "ready" });

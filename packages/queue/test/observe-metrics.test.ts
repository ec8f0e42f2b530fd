import type { Database } from "@millrace/database";
import { MillraceError, silentLogger } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleTask, Queue } from "../src/index.ts";
import { queueReadings, registerQueueMetrics } from "../src/observe/queue-metrics.ts";
import { scriptTask } from "./script-task.ts";

let database: Database;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

function createMeasuredQueue() {
  const queue = new Queue({
    database,
    logger: silentLogger,
    handlers: [
      handleTask({
        task: scriptTask,
        run: ({ input }) =>
          input.script === "ok"
            ? Promise.resolve({ answer: "42" })
            : Promise.reject(new MillraceError({ code: "bad", kind: "invalid", message: "Bad." })),
      }),
    ],
  });
  const registry = new Registry();
  registerQueueMetrics({
    registry,
    bus: queue.bus,
    hooks: queue.hooks,
    logger: silentLogger,
    ...queueReadings(database),
  });
  return { queue, scrape: async () => (await registry.metrics()).split("\n") };
}

describe("the metrics of a queue", () => {
  it("tell of its jobs from the enqueue to the end", async () => {
    const { queue, scrape } = createMeasuredQueue();
    const worker = queue.createWorker({
      name: "w",
      concurrency: 2,
      leaseMs: 20_000,
      beatMs: 10_000,
      pollMs: 50,
      drainMs: 100,
    });

    const good = await queue.add(scriptTask, { script: "ok" });
    const bad = await queue.add(scriptTask, { script: "bad" });
    const waiting = await scrape();
    await worker.start();
    const busy = await scrape();
    for (const { id } of [good, bad]) await queue.waitForEnd(id, { timeoutMs: 10_000 });
    await worker.stop();
    const ended = await scrape();

    const { name: task, queue: queueName } = scriptTask;
    expect(waiting).toEqual(
      expect.arrayContaining([
        `millrace_jobs_enqueued_total{queue="${queueName}",task="${task}"} 2`,
        `millrace_queue_depth{queue="${queueName}",state="queued"} 2`,
        expect.stringMatching(`^millrace_queue_oldest_wait_seconds{queue="${queueName}"} [0-9.]+$`),
        `millrace_workers{state="running"} 0`,
      ]),
    );
    expect(busy).toContain(`millrace_workers{state="running"} 1`);
    expect(ended).toEqual(
      expect.arrayContaining([
        `millrace_queue_depth{queue="${queueName}",state="queued"} 0`,
        `millrace_job_wait_seconds_count{queue="${queueName}",task="${task}"} 2`,
        `millrace_job_run_seconds_count{queue="${queueName}",task="${task}",outcome="succeeded"} 1`,
        `millrace_job_run_seconds_count{queue="${queueName}",task="${task}",outcome="failed"} 1`,
        `millrace_jobs_finished_total{task="${task}",state="succeeded"} 1`,
        `millrace_jobs_finished_total{task="${task}",state="failed"} 1`,
        `millrace_workers{state="running"} 0`,
      ]),
    );
  });
});

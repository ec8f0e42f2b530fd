import type { Database } from "@millrace/database";
import { MillraceError, silentLogger } from "@millrace/kernel";
import { openTestDatabase, waitFor } from "@millrace/testing";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chain, handleTask, map, Queue, step } from "../src/index.ts";
import type { AnyTaskHandler, JobContext } from "../src/index.ts";
import { scriptTask } from "./script-task.ts";
import { count, double, keep, plainHandlers, sum } from "./workflows/tasks.ts";

let database: Database;
const exporter = new InMemorySpanExporter();

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  database = await openTestDatabase();
});
beforeEach(() => exporter.reset());
afterAll(async () => {
  await database.close();
  trace.disable();
  context.disable();
});

/** Does something in a span of the caller's while a worker runs. */
async function workInTrace(
  handlers: readonly AnyTaskHandler[],
  work: (queue: Queue) => Promise<unknown>,
): Promise<void> {
  const queue = new Queue({ database, logger: silentLogger, handlers });
  const worker = queue.createWorker({
    name: "w",
    concurrency: 2,
    leaseMs: 20_000,
    beatMs: 10_000,
    pollMs: 50,
    drainMs: 100,
  });
  await worker.start();
  await trace.getTracer("test").startActiveSpan("POST /answers", async (span) => {
    await work(queue);
    span.end();
  });
  await worker.stop();
}

/** Runs one job to its end. */
function runInTrace(run: (context: JobContext<{ script: string }>) => Promise<{ answer: string }>) {
  return workInTrace([handleTask({ task: scriptTask, run })], async (queue) => {
    const { id } = await queue.add(scriptTask, { script: "any" });
    await queue.waitForEnd(id, { timeoutMs: 10_000 });
  });
}

/** Each span with its parent, by their names. */
function pairs(): string[] {
  const spans = exporter.getFinishedSpans();
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return spans
    .map((span) => `${names.get(span.parentSpanContext?.spanId ?? "") ?? "none"} > ${span.name}`)
    .toSorted();
}

describe("traces", () => {
  it("lead from the caller over the enqueue to the attempt, its steps and what they do", async () => {
    await runInTrace(async ({ step }) => {
      const answer = await step("answer/1", async () => {
        await Promise.resolve();
        trace.getTracer("test").startSpan("call a model").end();
        return "42";
      });
      return { answer };
    });

    const { name } = scriptTask;
    expect(pairs()).toEqual(
      [
        "none > POST /answers",
        `POST /answers > enqueue ${name}`,
        `enqueue ${name} > process ${name}`,
        `process ${name} > step answer`,
        "step answer > call a model",
      ].toSorted(),
    );
    expect(new Set(exporter.getFinishedSpans().map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it("hold a whole workflow: what it begins with, what a map makes and what follows its end", async () => {
    await workInTrace(plainHandlers, async (queue) => {
      const flow = chain(step(count, 2), map(double), step(sum)).onSuccess(step(keep));
      const { id } = await queue.workflows.start(flow);
      await queue.workflows.waitForEnd(id, { timeoutMs: 10_000 });
      await waitFor(() => pairs().some((pair) => pair.endsWith("> process tests.keep")), {
        describe: "the end of the callback",
      });
    });

    expect(pairs()).toEqual(
      [
        "none > POST /answers",
        "POST /answers > enqueue workflow",
        "enqueue workflow > process tests.count_up",
        "enqueue workflow > enqueue tests.double",
        "enqueue tests.double > process tests.double",
        "enqueue tests.double > process tests.double",
        "enqueue workflow > process tests.sum",
        "enqueue workflow > enqueue tests.keep",
        "enqueue tests.keep > process tests.keep",
      ].toSorted(),
    );
  });

  it("tell how an attempt came out", async () => {
    await runInTrace(() =>
      Promise.reject(new MillraceError({ code: "file_empty", kind: "invalid", message: "Empty." })),
    );

    const attempt = exporter.getFinishedSpans().find(({ name }) => name.startsWith("process "));
    expect(attempt?.attributes).toMatchObject({ "millrace.outcome": "failed", "error.type": "file_empty" });
  });
});

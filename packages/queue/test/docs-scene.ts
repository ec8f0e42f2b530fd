import type { Database } from "@millrace/database";
import { errorCode, silentLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import { expect } from "vitest";
import { z } from "zod";
import { defineTask, handleBatchTask, handleTask, Queue, runInline } from "../src/index.ts";
import type { AnyTaskHandler, QueueWorker, Task } from "../src/index.ts";
import { JobEnding } from "../src/worker/job-ending.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

const shape = {
  name: "examples.take_shape",
  input: z.object({
    account_id: z.string(),
    provider: z.string(),
    at: z.string(),
    rows: z.array(z.string()),
  }),
  output: z.object({ count: z.number() }),
};
const input = { account_id: "17", provider: "acme", at: "2040-01-01T08:00:00Z", rows: ["a", "b"] };

const resizeImage = defineTask({
  name: "images.resize_image",
  input: z.object({ image_id: z.string(), width: z.number().int() }),
  output: z.object({ file_id: z.string() }),
});
const embedText = defineTask({
  name: "texts.embed_text",
  input: z.object({ text: z.string() }),
  output: z.object({ vector: z.array(z.number()) }),
});
/** Of a queue that nobody serves. */
const importRows = defineTask({ ...shape, name: "rows.import_rows", queue: "imports" });

const resize = async (image: string, width: number, signal: AbortSignal): Promise<string> => {
  signal.throwIfAborted();
  return `${image}-${width}`;
};
const embed = async (texts: readonly string[], signal: AbortSignal): Promise<number[][]> => {
  signal.throwIfAborted();
  return texts.map((text) => [text.length]);
};

/** What handlers in the examples are given, by the name of their task. */
const inputs: Readonly<Record<string, unknown>> = {
  [resizeImage.name]: { image_id: "7", width: 200 },
  [embedText.name]: { text: "seven" },
  [importRows.name]: input,
  [shape.name]: input,
  "workflows.count_words": { text: "to be" },
  "workflows.add_up": [2, 4],
};

export type Scene = Awaited<ReturnType<typeof createScene>>["scene"];

/**
 * What the examples of one page may use without saying where it comes from: a queue whose worker runs, the
 * tasks of the guide, and what they work with. `finish` runs each handler that an example made and stops what
 * the examples started.
 */
export async function createScene(database: Database, logger: Logger = silentLogger) {
  await clearJobs(database.queryable);
  await sql`CREATE TABLE IF NOT EXISTS image (id text)`.execute(database.queryable);
  const handler = handleTask({
    task: resizeImage,
    run: async ({ input: { image_id, width }, signal, progress }) => {
      progress({ percent: 100 });
      return { file_id: await resize(image_id, width, signal) };
    },
  });
  const served = handleTask({
    task: resizeImage,
    run: async ({ input: { image_id, width }, signal }) => ({
      file_id: await resize(image_id, width, signal),
    }),
  });
  const failsOnce = handleTask({
    task: resizeImage,
    run: async ({ job, step }) => {
      const file_id = await step("resize", async () => `of attempt ${job.attempt}`);
      if (job.attempt === 1) throw new Error("not this time");
      return { file_id };
    },
  });
  const tasks: readonly Task[] = [importRows];
  const handlers: readonly AnyTaskHandler[] = [served];
  const queue = new Queue({ database, logger, handlers });
  const workers: QueueWorker[] = [];
  const createWorker = queue.createWorker.bind(queue);
  queue.createWorker = (options) => {
    const made = createWorker(options);
    workers.push(made);
    return made;
  };
  const worker = queue.createWorker({
    name: "worker-1",
    concurrency: 4,
    pollMs: 50,
    drainMs: 1_000,
  });
  await worker.start();
  const [stuckJobId = ""] = await writeJobs(database.queryable, { state: "running", queue: "default" });
  const made: AnyTaskHandler[] = [];
  const scene = {
    database,
    logger,
    queue,
    worker,
    tasks,
    handlers,
    handler,
    failsOnce,
    shape,
    input: { image_id: "7", width: 200 },
    rowInput: input,
    text: `{"*": {"retries": 5}, "images.resize_image": {"priority": 7}}`,
    resizeImage,
    embedText,
    importRows,
    resize,
    embed,
    stuckJobId,
    fetchRow: async (row: string, _signal: AbortSignal): Promise<{ id: string }> => ({ id: row }),
    pager: { tell: (_what: string): void => undefined },
    handleTask: remembering(handleTask, made),
    handleBatchTask: remembering(handleBatchTask, made),
    shows,
    refuses,
  };
  const finish = async (): Promise<void> => {
    for (const one of made) await tryOut(one, queue);
    for (const one of workers) await one.stop();
    await queue.hooks.settle();
  };
  return { scene, finish };
}

function remembering<Make extends (handler: never) => AnyTaskHandler>(
  make: Make,
  made: AnyTaskHandler[],
): Make {
  // A proxy keeps the type of `make`, generic as it is.
  return new Proxy(make, {
    apply: (target, self, given) => {
      const handler = Reflect.apply(target, self, given) as AnyTaskHandler;
      made.push(handler);
      return handler;
    },
  });
}

/** The five endings are all in order; any other failure is the example's. */
async function tryOut(handler: AnyTaskHandler, queue: Queue): Promise<void> {
  try {
    await runInline(handler, inputs[handler.task.name], { transaction: (work) => queue.transaction(work) });
  } catch (error) {
    if (!(error instanceof JobEnding)) throw error;
  }
}

function shows(found: unknown, value: unknown): void {
  expect(found).toEqual(value);
}

async function refuses(work: () => Promise<void>, code: string): Promise<void> {
  await expect(work()).rejects.toSatisfy((error) => errorCode(error) === code);
}

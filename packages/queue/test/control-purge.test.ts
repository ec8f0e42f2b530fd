import type { Database, Transaction } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { purgeQueue } from "../src/control/purge.ts";
import type { PurgeParts } from "../src/control/purge.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { group, handleTask, Queue, step } from "../src/index.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { stopMembers } from "../src/workflows/stop-members.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";
import { watchDatabase } from "./features/watch-database.ts";
import { scriptTask } from "./script-task.ts";

describe.each(testDatabases())("a purge on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    await clearJobs(database.queryable);
    await sql`DELETE FROM workflow_node`.execute(database.queryable);
    await sql`DELETE FROM workflow`.execute(database.queryable);
  });

  /** `onEnd` gets the ids of the jobs that end. */
  const createParts = (onEnd: (id: string) => Promise<void> = () => Promise.resolve()): PurgeParts => ({
    database,
    bus: new EventBus(silentLogger),
    broker: createMemoryBroker(),
    registry: new TaskRegistry([
      handleTask({
        task: scriptTask,
        run: () => Promise.reject(new Error("no worker runs this")),
        onEnd: (_scope, { jobId }) => onEnd(jobId),
      }),
    ]),
    onCancelRequested: () => undefined,
  });

  it("cancels what is queued and scheduled, with the domain's hooks, and nothing else", async () => {
    const { queryable } = database;
    const queued = await writeJobs(queryable, { count: 3 });
    const scheduled = await writeJobs(queryable, { count: 2, state: "scheduled" });
    const others = [
      ...(await writeJobs(queryable, { state: "running" })),
      ...(await writeJobs(queryable, { state: "waiting" })),
      ...(await writeJobs(queryable, { state: "failed" })),
      ...(await writeJobs(queryable, { queue: "others" })),
    ];
    const ended: string[] = [];

    const result = await purgeQueue(
      createParts(async (id) => void ended.push(id)),
      "tests",
    );

    expect(result).toEqual({ cancelled: 5, left: 0 });
    expect(ended.toSorted()).toEqual([...queued, ...scheduled].toSorted());
    expect(new Set(await statesOf(queryable, ended))).toEqual(new Set(["cancelled"]));
    expect(await statesOf(queryable, others)).toEqual(["running", "waiting", "failed", "queued"]);
  });

  it("ends a job once whose parent is purged with it", async () => {
    const [parent, child] = await writeJobs(database.queryable, { count: 2 });
    await sql`UPDATE job SET fence = 1 WHERE id = ${parent}`.execute(database.queryable);
    await sql`UPDATE job SET parent_id = ${parent} WHERE id = ${child}`.execute(database.queryable);
    const ended: string[] = [];

    await purgeQueue(
      createParts(async (id) => void ended.push(id)),
      "tests",
    );

    expect(ended).toEqual([parent, child]);
  });

  it("counts the members of a workflow that it cancels in one turn for each batch", async () => {
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    const run = step(scriptTask, { script: "x" });
    const { id } = await queue.workflows.start(
      group(
        Array.from({ length: 150 }, () => run),
        { policy: "finish" },
      ),
    );
    let statements = 0;
    const watched = watchDatabase(database, { onStatement: () => void statements++ });
    const parts = { ...createParts(), registry: new TaskRegistry([]), database: watched };

    const result = await purgeQueue(parts, "tests");

    expect(result).toEqual({ cancelled: 150, left: 0 });
    expect(await queue.workflows.get(id)).toMatchObject({ state: "failed", ended_jobs: 150 });
    expect(statements).toBeLessThan(60);
  });

  it("counts the child in a later batch that ended with its parent", async () => {
    const [parent, ...others] = await writeJobs(database.queryable, { count: 101 });
    await sql`UPDATE job SET fence = 1 WHERE id = ${parent}`.execute(database.queryable);
    await sql`UPDATE job SET parent_id = ${parent} WHERE id = ${others.at(-1)}`.execute(database.queryable);

    const result = await purgeQueue(createParts(), "tests", { expectedCount: 101 });

    expect(result).toEqual({ cancelled: 101, left: 0 });
  });

  it("counts the members that were stopped because it cancelled others of their group", async () => {
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    const run = step(scriptTask, { script: "x" });
    const { id } = await queue.workflows.start(group(Array.from({ length: 250 }, () => run)));
    let stopping = Promise.resolve();
    // Before the next batch, as a process does that has nothing else to do.
    const parts = {
      ...createParts(),
      onStopping: (workflowId: string) => void (stopping = stopMembers(parts, workflowId)),
    };
    const held = {
      ...database,
      transaction: async <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> => {
        await stopping;
        return await database.transaction(work);
      },
    };

    const result = await purgeQueue({ ...parts, database: held }, "tests", { expectedCount: 250 });

    expect(result).toEqual({ cancelled: 250, left: 0 });
    expect(await queue.workflows.get(id)).toMatchObject({ ended_jobs: 250 });
  });

  it("goes on for several batches and says how far it is", async () => {
    await writeJobs(database.queryable, { count: 250 });
    const progress: number[] = [];

    const result = await purgeQueue(createParts(), "tests", {
      onProgress: (cancelled) => progress.push(cancelled),
    });

    expect(result).toEqual({ cancelled: 250, left: 0 });
    expect(progress).toEqual([100, 200, 250]);
  });

  it("does nothing when another number of jobs is there than was expected", async () => {
    const ids = await writeJobs(database.queryable, { count: 3 });

    const purging = purgeQueue(createParts(), "tests", { expectedCount: 2 });

    await expect(purging).rejects.toMatchObject({
      code: "purge_count_mismatch",
      details: { expected: 2, count: 3 },
    });
    expect(await statesOf(database.queryable, ids)).toEqual(["queued", "queued", "queued"]);
  });

  it("does what was expected", async () => {
    await writeJobs(database.queryable, { count: 3 });

    expect(await purgeQueue(createParts(), "tests", { expectedCount: 3 })).toEqual({ cancelled: 3, left: 0 });
  });

  it("is of one task when it is named", async () => {
    const [mine] = await writeJobs(database.queryable);
    const [other] = await writeJobs(database.queryable, { task: "tests.other" });

    const options = { task: "tests.run_script", expectedCount: 1 };
    expect(await purgeQueue(createParts(), "tests", options)).toEqual({ cancelled: 1, left: 0 });

    expect(await statesOf(database.queryable, [mine!, other!])).toEqual(["cancelled", "queued"]);
  });

  it("leaves jobs that are enqueued while it works", async () => {
    await writeJobs(database.queryable, { count: 150 });
    let writing: Promise<string[]> | undefined;

    const result = await purgeQueue(createParts(), "tests", {
      onProgress: () => void (writing ??= writeJobs(database.queryable, { count: 2 })),
    });

    expect(result).toEqual({ cancelled: 150, left: 0 });
    expect(await statesOf(database.queryable, (await writing) ?? [])).toEqual(["queued", "queued"]);
  });

  it("cancels all but the job whose end is refused, and says why", async () => {
    const ids = await writeJobs(database.queryable, { count: 5 });
    const parts = createParts((id) =>
      id === ids[2] ? Promise.reject(new Error("a broken hook")) : Promise.resolve(),
    );

    await expect(purgeQueue(parts, "tests")).rejects.toThrow("a broken hook");

    expect(await statesOf(database.queryable, ids)).toEqual([
      "cancelled",
      "cancelled",
      "queued",
      "cancelled",
      "cancelled",
    ]);
  });

  it("cancels the children of a job that has run", async () => {
    const [parent] = await writeJobs(database.queryable, { state: "scheduled" });
    const [child] = await writeJobs(database.queryable, { queue: "others" });
    await sql`UPDATE job SET fence = 1 WHERE id = ${parent}`.execute(database.queryable);
    await sql`UPDATE job SET parent_id = ${parent} WHERE id = ${child}`.execute(database.queryable);

    await purgeQueue(createParts(), "tests");

    expect(await statesOf(database.queryable, [parent!, child!])).toEqual(["cancelled", "cancelled"]);
  });

  it("ends after the batch at hand when it is told to", async () => {
    await writeJobs(database.queryable, { count: 250 });
    const stopping = new AbortController();

    const result = await purgeQueue(createParts(), "tests", {
      signal: stopping.signal,
      onProgress: () => stopping.abort(),
    });

    expect(result).toEqual({ cancelled: 100, left: 150 });
  });

  it("does not call left what has begun or ended meanwhile, nor what came meanwhile", async () => {
    const ids = await writeJobs(database.queryable, { count: 103 });
    const take = async (): Promise<void> => {
      await sql`UPDATE job SET state = 'running', fence = 1, worker_id = ${ids[0]}, claimed_at = now(),
          lease_until = now() + interval '1 minute' WHERE id = ${ids[101]}`.execute(database.queryable);
      await sql`UPDATE job SET state = 'expired', finished_at = now() WHERE id = ${ids[102]}`.execute(
        database.queryable,
      );
      await writeJobs(database.queryable, { count: 2 });
    };
    let taking: Promise<void> | undefined;
    const held = {
      ...database,
      transaction: async <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> => {
        await (taking ??= take());
        return await database.transaction(work);
      },
    };

    const result = await purgeQueue({ ...createParts(), database: held }, "tests");

    expect(result).toEqual({ cancelled: 101, left: 0 });
  });

  it("of a queue without jobs does nothing", async () => {
    expect(await purgeQueue(createParts(), "empty", { expectedCount: 0 })).toEqual({ cancelled: 0, left: 0 });
  });
});

import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import type { KyselyPlugin } from "kysely";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { handleTask } from "../src/index.ts";
import type { AnyTaskHandler } from "../src/index.ts";
import { cancelJob } from "../src/jobs/cancel.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";
import { scriptTask } from "./script-task.ts";

describe.each(testDatabases())("the cancel of a job with thousands of children on $name", (kind) => {
  let opened: TestDatabase;

  beforeAll(async () => {
    opened = await kind.open();
  });
  afterEach(() => clearJobs(opened.database.queryable));
  afterAll(() => opened.close());

  const addFamily = async (count: number): Promise<{ parent: string; children: readonly string[] }> => {
    const { queryable } = opened.database;
    const [parent = "", ...children] = await writeJobs(queryable, { count: count + 1 });
    await sql`UPDATE job SET parent_id = ${parent} WHERE id <> ${parent}`.execute(queryable);
    return { parent, children };
  };

  /** How many inputs came with each answer of the database that has some. */
  const cancel = async (id: string, handlers: readonly AnyTaskHandler[]): Promise<number[]> => {
    const inputs: number[] = [];
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        const withInput = result.rows.filter((row) => "input" in row);
        if (withInput.length > 0) inputs.push(withInput.length);
        return result;
      },
    };
    const parts = {
      bus: new EventBus(silentLogger),
      broker: createMemoryBroker(),
      registry: new TaskRegistry(handlers),
      onCancelRequested: () => undefined,
    };
    await opened.database.transaction((transaction) =>
      cancelJob({ transaction: transaction.withPlugin(counting), afterCommit: () => undefined }, parts, id),
    );
    return inputs;
  };

  it("reads no input of a child whose task has no hook", async () => {
    const { parent, children } = await addFamily(2_000);

    expect(await cancel(parent, [])).toEqual([1]);

    const states = await statesOf(opened.database.queryable, [parent, ...children]);
    expect(states.filter((state) => state === "cancelled")).toHaveLength(2_001);
  });

  it("reads the inputs of those with a hook some at a time", async () => {
    const { parent } = await addFamily(100);
    let told = 0;
    const handler = handleTask({
      task: scriptTask,
      run: () => Promise.reject(new Error("no worker runs this")),
      onEnd: async (_scope, { input }) => void (told += input.script === "x" ? 1 : 0),
    });

    const inputs = await cancel(parent, [handler]);

    expect(told).toBe(101);
    expect(Math.max(...inputs)).toBeLessThanOrEqual(20);
  });
});

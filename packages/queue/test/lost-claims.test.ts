import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import type { KyselyPlugin } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../src/index.ts";

const task = defineTask({
  name: "tests.lost",
  queue: "tests",
  input: z.object({}),
  output: z.object({}),
});
/** Claims commit, and their answers never come: what a cut connection does. */
class AnswerCutter implements KyselyPlugin {
  cuts = 0;

  transformQuery: KyselyPlugin["transformQuery"] = ({ node }) => node;

  transformResult: KyselyPlugin["transformResult"] = async ({ result }) => {
    const isClaim = result.rows.some((row) => "wait_ms" in row);
    if (!isClaim || this.cuts === 0) return result;
    this.cuts--;
    throw new Error("Connection terminated unexpectedly");
  };
}

describe.each(testDatabases())("a claim whose answer is lost on $name", (kind) => {
  const cutter = new AnswerCutter();
  let opened: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    opened = await kind.open();
    const queryable = opened.database.background.queryable.withPlugin(cutter);
    database = { ...opened.database, background: { ...opened.database.background, queryable } };
  });
  afterAll(() => opened.close());

  it("is given back by its worker at once, not when its lease ends", async () => {
    const queue = new Queue({
      database,
      logger: silentLogger,
      handlers: [handleTask({ task, run: async () => ({}) })],
    });
    const jobs = await Promise.all([1, 2, 3].map(() => queue.add(task, {})));
    cutter.cuts = 2;
    const worker = queue.createWorker({ name: "w", concurrency: 2, leaseMs: 600_000, pollMs: 50 });
    await worker.start();

    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 15_000 });

    await worker.stop();
    expect(cutter.cuts).toBe(0);
    const attempts = await sql<{ attempt: number; runs_alone: boolean }>`
      SELECT attempt, runs_alone FROM job `.execute(database.queryable);
    expect(attempts.rows).toEqual(jobs.map(() => ({ attempt: 1, runs_alone: false })));
  });
});

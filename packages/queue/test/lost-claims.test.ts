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
    const reasons = await sql`SELECT DISTINCT error_code FROM job_attempt`.execute(database.queryable);
    expect(reasons.rows).toEqual([{ error_code: "claim_lost" }]);
  });

  it("is told from a job that its worker ran and gave up, which waits for its lease", async () => {
    const queue = new Queue({
      database,
      logger: silentLogger,
      handlers: [handleTask({ task, run: async () => ({}) })],
    });
    const worker = queue.createWorker({ name: "w", concurrency: 2, leaseMs: 60_000, pollMs: 50 });
    const given = await queue.add(task, {}, { delayMs: 600_000 });
    // Its beats have failed for 50 s, so that it was told to stop and nobody runs it here any more.
    await sql`
      UPDATE job SET state = 'running', reason = NULL, fence = 1, attempt = 1, worker_id = ${worker.id},
        claimed_at = now() - interval '51 s', lease_until = now() + interval '9 s'
      WHERE id = ${given.id}`.execute(database.queryable);
    const lost = await queue.add(task, {});
    cutter.cuts = 1;
    await worker.start();

    await queue.waitForEnd(lost.id, { timeoutMs: 15_000 });

    const attempts = await sql`SELECT job_id FROM job_attempt WHERE outcome = 'handed_back'
      AND job_id IN (${given.id}, ${lost.id})`.execute(database.queryable);
    await worker.stop();
    expect(attempts.rows).toEqual([{ job_id: lost.id }]);
  });

  it("is told from a job of whose limit its worker learned with the claim", async () => {
    const limited = { ...task, name: "tests.limited_elsewhere" };
    const former = new Queue({ database, logger: silentLogger, handlers: [], tasks: [limited] });
    const jobs = await Promise.all([1, 2, 3].map(() => former.add(limited, {})));
    const queue = new Queue({
      database,
      logger: silentLogger,
      handlers: [
        handleTask({ task: { ...limited, queue: "elsewhere", concurrency: 1 }, run: async () => ({}) }),
      ],
    });
    const worker = queue.createWorker({
      name: "w",
      concurrency: 4,
      leaseMs: 600_000,
      pollMs: 50,
      queues: ["tests", "elsewhere"],
    });
    await worker.start();

    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 15_000 });

    await worker.stop();
    const ids = jobs.map(({ id }) => id);
    const reasons = await sql`
      SELECT DISTINCT outcome, error_code FROM job_attempt WHERE job_id = ANY(${ids}::uuid[])`.execute(
      database.queryable,
    );
    expect(reasons.rows).toEqual([{ outcome: "handed_back", error_code: "limit_not_known" }]);
  });
});

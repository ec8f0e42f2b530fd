import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../src/index.ts";
import type { Queue } from "../src/index.ts";
import { writeJobs } from "./control-jobs.ts";
import { useQueue } from "./features/use-queue.ts";
import { scriptTask } from "./script-task.ts";

const failed = 10_000;

const quick = defineTask({
  name: "tests.answer_quickly",
  queue: "others",
  input: z.object({}),
  output: z.null(),
});

/** What others notice of a retry of many: waits for its locks, seen again and again, and how far they come. */
type Noticed = { readonly looks: number; readonly waits: readonly string[]; readonly answered: number };

async function notice(database: Database, queue: Queue, isOver: () => boolean): Promise<Noticed> {
  const looking = async (): Promise<{ looks: number; waits: string[] }> => {
    const waits: string[] = [];
    let looks = 0;
    for (; !isOver(); looks++) {
      const found = await sql<{ wait: string }>`
        SELECT wait_event || ': ' || left(query, 200) AS wait FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND wait_event IN ('transactionid', 'tuple', 'advisory')`.execute(database.queryable);
      waits.push(...found.rows.map((row) => row.wait));
      await wait(10);
    }
    return { looks, waits };
  };
  const enqueuing = async (): Promise<number> => {
    let answered = 0;
    while (!isOver()) {
      await queue.call(quick, {}, { timeoutMs: 60_000 });
      answered++;
    }
    return answered;
  };
  const [{ looks, waits }, answered] = await Promise.all([looking(), enqueuing()]);
  return { looks, waits, answered };
}

describe.each(testDatabases())("ten thousand failed jobs on $name", (kind) => {
  const use = useQueue(kind);

  it("are retried by one action while another queue goes on, and nobody waits for their locks", async () => {
    const { database } = use;
    const queue = use.createQueue([
      handleTask({ task: quick, run: async () => null }),
      handleTask({ task: scriptTask, run: () => Promise.reject(new Error("nobody runs this")) }),
    ]);
    await use.startWorker(queue, { queues: ["others"], concurrency: 4 });
    await writeJobs(database.queryable, { count: failed, state: "failed" });
    await sql`ANALYZE job`.execute(database.queryable);
    let isOver = false;
    const noticing = notice(database, queue, () => isOver);

    let changed = 0;
    for (let left = failed; left > 0;) {
      const result = await queue.control.retryJobs({ owners: [null], task: scriptTask.name });
      changed += result.changed;
      left = result.left;
      expect(result).toMatchObject({ skipped: 0, failures: [] });
    }
    isOver = true;
    const { looks, waits, answered } = await noticing;

    expect(changed).toBe(failed);
    const states = await sql<object>`
      SELECT state, count(*)::integer AS count FROM job WHERE queue = 'tests' GROUP BY state`.execute(
      database.queryable,
    );
    expect(states.rows).toEqual([{ state: "queued", count: failed }]);
    // Each is a look, or a job that was enqueued, claimed, run and ended, in between.
    expect(looks).toBeGreaterThan(10);
    expect(answered).toBeGreaterThan(10);
    expect(waits).toEqual([]);
  }, 240_000);
});

import { MillraceError } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { chord, handleTask, step } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { defaultRetention, pruneFailedJobs, pruneHistory } from "../../src/retention/prune.ts";
import { useQueue } from "../features/use-queue.ts";
import { double, sum } from "./tasks.ts";

describe.each(testDatabases())("what is kept of a workflow on $name", (kind) => {
  const opened = useQueue(kind);

  /** A chord of two members that has succeeded or failed with the first of them failed. */
  const runWithFailure = async (policy: "collect" | "finish") => {
    const handlers = [
      handleTask({
        task: double,
        run: async ({ input }) => {
          if (input === 1) throw new MillraceError({ code: "is_broken", kind: "invalid", message: "broken" });
          return input;
        },
      }),
      handleTask({ task: sum, run: async () => 1 }),
    ];
    const queue = opened.createQueue(handlers);
    await opened.startWorker(queue);
    const flow = chord([step(double, 1), step(double, 2)], step(sum, []), { policy });
    const { id } = await queue.workflows.start(flow);
    await queue.workflows.waitForEnd(id, { timeoutMs: 10_000 });
    await opened.stopWorkers();
    const found = await sql<{ id: string }>`
      SELECT id FROM job WHERE workflow_id = ${id} AND state = 'failed'`.execute(opened.database.queryable);
    return { queue, id, failed: found.rows[0]?.id ?? "" };
  };
  const retry = (queue: Queue, id: string) => queue.transaction((scope) => queue.retry(scope, id));
  const passTime = (id: string) =>
    sql`UPDATE workflow SET purge_at = now() - interval '1 hour' WHERE id = ${id}`.execute(
      opened.database.queryable,
    );
  const jobs = async () => {
    const found = await sql<{ id: string; state: string; is_kept: boolean }>`
      SELECT id, state, purge_at IS NULL AS is_kept FROM job ORDER BY id`.execute(opened.database.queryable);
    return found.rows;
  };

  it("are its failed members, however old, where failed jobs are cleaned up", async () => {
    const { id } = await runWithFailure("finish");
    await sql`UPDATE job SET finished_at = now() - interval '10 days'`.execute(opened.database.queryable);

    expect(await pruneFailedJobs(opened.database, { olderThanDays: 5 })).toBe(0);
    expect(await findQueueProblems(opened.database.queryable)).toEqual([]);

    await passTime(id);
    await pruneHistory(opened.database, defaultRetention);
    expect(await jobs()).toEqual([]);
  });

  it("is all of it while a member that was retried has not ended", async () => {
    const { queue, id, failed } = await runWithFailure("collect");
    await retry(queue, failed);
    await passTime(id);

    await pruneHistory(opened.database, defaultRetention);
    expect((await jobs()).map(({ state }) => state).toSorted()).toEqual(["queued", "succeeded", "succeeded"]);

    await queue.transaction((scope) => queue.cancel(scope, failed));
    await pruneHistory(opened.database, defaultRetention);
    expect(await jobs()).toEqual([]);
  });

  it("is no job for ever that is retried when the workflow has gone", async () => {
    const { queue, id, failed } = await runWithFailure("finish");
    await passTime(id);
    await pruneHistory(opened.database, { ...defaultRetention, spareDays: 1 });
    expect(await jobs()).toMatchObject([{ id: failed }]);

    await retry(queue, failed);
    await opened.startWorker(queue);
    await queue.waitForEnd(failed, { timeoutMs: 10_000 });

    expect(await jobs()).toEqual([{ id: failed, state: "failed", is_kept: false }]);
  });
});

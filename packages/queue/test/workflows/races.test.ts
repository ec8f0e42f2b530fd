import { jsonText } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { chord, map, step } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import type { ClaimedJob } from "../../src/jobs/job-row.ts";
import { succeedMembers } from "../../src/jobs/succeed-jobs.ts";
import { defaultRetention, pruneHistory } from "../../src/retention/prune.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { useQueue } from "../features/use-queue.ts";
import { double, plainHandlers, sum } from "./tasks.ts";

const worker = { id: "00000000-0000-7000-8000-000000000001", name: "by hand" };
const rounds = 15;

describe.each(testDatabases())("what happens at once to a workflow on $name", (kind) => {
  const opened = useQueue(kind);

  /** Ends claimed members together, as a worker's batch does. */
  const end = (queue: Queue, jobs: readonly ClaimedJob[]) =>
    succeedMembers(
      {
        database: opened.database,
        bus: queue.bus,
        broker: createMemoryBroker(),
        registry: new TaskRegistry([]),
        worker,
      },
      jobs.map((job) => ({ id: job.id, fence: job.fence, output: jsonText(1), keptDays: null, job })),
    );
  const bodies = async (id: string) => {
    const found = await sql<{ state: string; input: unknown; event_seq: number }>`
      SELECT state, input, event_seq FROM job JOIN job_payload ON job_id = job.id
      WHERE workflow_id = ${id} AND task = ${sum.name}`.execute(opened.database.queryable);
    return found.rows;
  };

  it("releases the body once when several workers end the last members at the same time", async () => {
    const queue = opened.createQueue(plainHandlers);
    for (let round = 0; round < rounds; round++) {
      const { id } = await queue.workflows.start(chord(map(double, [1, 2, 3, 4]), step(sum)));
      const jobs = await opened.claim([double], { count: 4 });

      await Promise.all(jobs.map((job) => end(queue, [job])));

      expect(await bodies(id)).toEqual([{ state: "queued", input: [1, 1, 1, 1], event_seq: 1 }]);
      await queue.workflows.cancel(id);
    }
  });

  it("counts a batch of ends in one turn", async () => {
    const queue = opened.createQueue(plainHandlers);
    const items = Array.from({ length: 40 }, () => 1);
    const first = await queue.workflows.start(chord(map(double, items), step(sum)));
    const second = await queue.workflows.start(chord(map(double, items), step(sum)));
    const jobs = await opened.claim([double], { count: 80 });

    await end(queue, jobs);

    for (const { id } of [first, second]) {
      expect(await bodies(id)).toEqual([{ state: "queued", input: items, event_seq: 1 }]);
      expect(await queue.workflows.get(id)).toMatchObject({ ended_jobs: 40, total_jobs: 41 });
    }
  });

  it("either runs the body or cancels it when a cancel meets the last join", async () => {
    const queue = opened.createQueue(plainHandlers);
    for (let round = 0; round < rounds; round++) {
      const { id } = await queue.workflows.start(chord(map(double, [1, 2]), step(sum)));
      const [first, last] = await opened.claim([double], { count: 2 });
      if (first === undefined || last === undefined) throw new Error("two members were to be claimed");
      await end(queue, [first]);

      const [, recorded] = await Promise.all([queue.workflows.cancel(id), end(queue, [last])]);

      // A member that was told to stop before it had ended is no success any more.
      if (recorded.ended.size === 0) await queue.transaction((scope) => queue.cancel(scope, last.id));
      const [body] = await bodies(id);
      expect(body?.state).toBe("cancelled");
      expect(await queue.workflows.get(id)).toMatchObject({
        state: recorded.ended.size === 0 ? "running" : "cancelled",
      });
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    }
  });

  it("does not count a member whose claim was lost", async () => {
    const queue = opened.createQueue(plainHandlers);
    const { id } = await queue.workflows.start(chord(map(double, [1]), step(sum)));
    const [job] = await opened.claim([double]);
    if (job === undefined) throw new Error("a member was to be claimed");

    await end(queue, [{ ...job, fence: job.fence - 1 }]);
    await end(queue, [job]);
    await end(queue, [job]);

    expect(await bodies(id)).toEqual([{ state: "queued", input: [1], event_seq: 1 }]);
    expect(await queue.workflows.get(id)).toMatchObject({ ended_jobs: 1 });
  });

  it("keeps members as long as the workflow, and no longer", async () => {
    const queue = opened.createQueue(plainHandlers);
    await opened.startWorker(queue);
    const { id } = await queue.workflows.start(chord(map(double, [1, 2]), step(sum)));
    await queue.workflows.waitForEnd(id, { timeoutMs: 10_000 });
    const left = async () => {
      const found = await sql<{ jobs: number; nodes: number; workflows: number }>`
        SELECT (SELECT count(*) FROM job) AS jobs, (SELECT count(*) FROM workflow_node) AS nodes,
               (SELECT count(*) FROM workflow) AS workflows`.execute(opened.database.queryable);
      return found.rows[0];
    };

    await pruneHistory(opened.database, defaultRetention);
    expect(await left()).toEqual({ jobs: 3, nodes: 5, workflows: 1 });

    await sql`UPDATE workflow SET purge_at = now() - interval '1 second'`.execute(opened.database.queryable);
    await pruneHistory(opened.database, defaultRetention);
    expect(await left()).toEqual({ jobs: 0, nodes: 0, workflows: 0 });
  });
});

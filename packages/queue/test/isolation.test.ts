import { migrate, openEmbedded } from "@millrace/database";
import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findJobs, handleTask, Queue, readJobDetail } from "../src/index.ts";
import { runInChild } from "../src/isolation/run-in-child.ts";
import type { ChildOptions } from "../src/isolation/run-in-child.ts";
import { claimJobs } from "../src/jobs/claim.ts";
import type { ClaimedJob } from "../src/jobs/job-row.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { EventWriter } from "../src/worker/event-writer.ts";
import { executeJob } from "../src/worker/execute-job.ts";
import type { ExecuteParts, Execution } from "../src/worker/execution.ts";
import { scriptTask } from "./script-task.ts";

/** Longer than a process takes to start on a busy machine. */
const hardLimitMs = 4_000;

const task = { ...scriptTask, hardLimitMs };
const entry = new URL("./isolated-child.ts", import.meta.url);

describe("a job in a process of its own", () => {
  let database: Database;
  let queue: Queue;
  let parts: ExecuteParts;

  beforeAll(async () => {
    database = await openEmbedded(null);
    await migrate(database);
    const handlers = [handleTask({ task, run: () => Promise.reject(new Error("runs in the child")) })];
    queue = new Queue({ database, logger: silentLogger, handlers });
    parts = {
      database,
      bus: queue.bus,
      broker: { announce: () => undefined, subscribe: () => () => undefined },
      registry: new TaskRegistry(handlers),
      writer: new EventWriter({ database, bus: queue.bus, logger: silentLogger }),
      logger: silentLogger,
      onStaleWrite: () => undefined,
    };
  });
  afterAll(() => database.close());

  async function claim(script: string): Promise<ClaimedJob> {
    await queue.transaction((scope) => queue.enqueue(scope, task, { script }));
    const [job] = await claimJobs(database, {
      queue: task.queue,
      taskKeys: parts.registry.keys(),
      limit: 1,
      worker: { id: newId(), name: "w" },
      leaseMs: 60_000,
      choice: "best",
    });
    if (job === undefined) throw new Error("nothing was claimed");
    return job;
  }

  const run = (job: ClaimedJob, options: Partial<ChildOptions> = {}): Execution =>
    runInChild(parts, { entry, job, ...options });

  const untilItSpins = (job: ClaimedJob): Promise<void> =>
    expect
      .poll(async () => (await readJobDetail(database.queryable, job.id)).steps[0]?.state, {
        timeout: 10_000,
      })
      .toBe("done");

  /** The job and how its one attempt ended; cancels it, so that no other test claims it. */
  async function result(job: ClaimedJob) {
    const [found] = await findJobs(database.queryable, [job.id]);
    const { attempts } = await readJobDetail(database.queryable, job.id);
    if (found?.finished_at === null) await queue.transaction((scope) => queue.cancel(scope, job.id));
    return {
      state: found?.state,
      attempt: found?.attempt,
      crashes: found?.crash_count,
      outcome: attempts[0]?.outcome,
    };
  }

  it("leaves its worker alive when it dies with messages on their way to it", async () => {
    const job = await claim("spin");
    const execution = run(job);
    await untilItSpins(job);
    const found = await sql<{ output: number }>`SELECT output FROM job_step WHERE job_id = ${job.id}`.execute(
      database.queryable,
    );

    process.kill(Number(found.rows[0]?.output), "SIGKILL");
    // Blocked, this process has not heard of the death when it sends what can't arrive.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    execution.stop("shutdown");
    execution.stop("cancelled");
    execution.stop("shutdown");
    await execution.done;

    expect(await result(job)).toMatchObject({ crashes: 0, outcome: "handed_back" });
  });

  it("is killed and counted as timed out when a loop keeps it from ending at its hard limit", async () => {
    const job = await claim("spin");

    await run(job, { overrunMs: 100 }).done;

    expect(await result(job)).toMatchObject({ attempt: 1, crashes: 0, outcome: "timed_out" });
  });

  it("is handed back when it was killed because its worker stops", async () => {
    const job = await claim("spin");
    const execution = run(job, { killAfterStopMs: 100 });
    await untilItSpins(job);

    execution.stop("shutdown");
    await execution.done;

    expect(await result(job)).toEqual({ state: "queued", attempt: 0, crashes: 0, outcome: "handed_back" });
  });

  it("is cancelled when it was killed because a cancel did not reach it", async () => {
    const job = await claim("spin");
    const execution = run(job, { killAfterStopMs: 100 });
    await untilItSpins(job);

    execution.stop("cancelled");
    await execution.done;

    expect(await result(job)).toMatchObject({ state: "cancelled", crashes: 0, outcome: "cancelled" });
  });

  it("writes nothing when it was killed because it is another's by now", async () => {
    const job = await claim("spin");
    const execution = run(job);
    await untilItSpins(job);

    execution.stop("lease_lost");
    await execution.done;

    expect(await result(job)).toMatchObject({ state: "running", crashes: 0, outcome: null });
  });

  it("is handed back when its worker stops while its process starts", async () => {
    const job = await claim("wait");
    const execution = run(job);

    execution.stop("shutdown");
    await execution.done;

    expect(await result(job)).toEqual({ state: "queued", attempt: 0, crashes: 0, outcome: "handed_back" });
  });

  it("waits uncounted when its process does not start", async () => {
    const job = await claim("wait");

    await run(job, { entry: new URL("./no-such-file.ts", import.meta.url) }).done;

    expect(await result(job)).toEqual({ state: "scheduled", attempt: 0, crashes: 0, outcome: "snoozed" });
  });

  it("ends with its third crash, although its hook refuses every end", async () => {
    const onEnd = (): Promise<never> => Promise.reject(new Error("a broken hook"));
    const broken = handleTask({ task, run: () => Promise.reject(new Error("runs in the child")), onEnd });
    const job = await claim("die");
    await sql`UPDATE job SET crash_count = 2 WHERE id = ${job.id}`.execute(database.queryable);

    await runInChild({ ...parts, registry: new TaskRegistry([broken]) }, { entry, job }).done;

    expect(await result(job)).toMatchObject({ state: "failed", crashes: 3, outcome: "crashed" });
  });

  it("is put off by a process that does not know its task", async () => {
    const job = await claim("wait");

    await executeJob({ ...parts, registry: new TaskRegistry([]) }, job).done;

    expect(await result(job)).toMatchObject({ state: "scheduled", attempt: 0, outcome: "snoozed" });
  });
});

import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleTask } from "../src/index.ts";
import { recordDeath } from "../src/isolation/record-death.ts";
import type { ClaimedJob } from "../src/jobs/job-row.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { AttemptStop } from "../src/worker/attempt-stop.ts";
import { executeJob } from "../src/worker/execute-job.ts";
import { IsolationSetup } from "./isolation-setup.ts";
import { scriptTask } from "./script-task.ts";

const task = { ...scriptTask, hardLimitMs: 1_000 };

describe("a job in a process of its own", () => {
  let setup: IsolationSetup;

  beforeAll(async () => {
    setup = await IsolationSetup.open(task);
  });
  afterAll(() => setup.close());

  const claim = (script: string): Promise<ClaimedJob> => setup.claim(script, { runsAlone: true });

  it("leaves its worker alive when it dies with messages on their way to it", async () => {
    const job = await claim("spin");
    const execution = setup.pool().run(job);
    const child = await setup.recorded(job);

    process.kill(child, "SIGKILL");
    // Blocked, this process has not heard of the death when it sends what can't arrive.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    execution.stop("shutdown");
    execution.stop("cancelled");
    execution.stop("shutdown");
    await execution.done;

    expect(await setup.result(job)).toMatchObject({ crashes: 0, outcome: "handed_back" });
  });

  it("waits for an answer, and goes on with it in another process", async () => {
    const { queue } = setup;
    const job = await claim("ask");
    await setup.pool().run(job).done;
    await queue.transaction((scope) =>
      queue.answer(scope, job.id, { key: "word", answer: "swordfish", by: "ann" }),
    );

    await setup.pool().run(await setup.claimNext()).done;

    expect(await queue.result(task, job.id)).toEqual({ answer: "swordfish" });
  });

  it("is killed and counted as timed out when a loop keeps it from ending at its hard limit", async () => {
    const job = await claim("spin");

    await setup.pool({ overrunMs: 100 }).run(job).done;

    expect(await setup.result(job)).toMatchObject({ attempt: 1, crashes: 0, outcome: "timed_out" });
  });

  it("is handed back when it was killed because its worker stops", async () => {
    const job = await claim("spin");
    const execution = setup.pool({ killAfterStopMs: 100 }).run(job);
    await setup.recorded(job);

    execution.stop("shutdown");
    await execution.done;

    expect(await setup.result(job)).toMatchObject({
      state: "queued",
      attempt: 0,
      crashes: 0,
      outcome: "handed_back",
    });
  });

  it("is cancelled when it was killed because a cancel did not reach it", async () => {
    const job = await claim("spin");
    const execution = setup.pool({ killAfterStopMs: 100 }).run(job);
    await setup.recorded(job);

    execution.stop("cancelled");
    await execution.done;

    expect(await setup.result(job)).toMatchObject({ state: "cancelled", crashes: 0, outcome: "cancelled" });
  });

  it("writes nothing when it was killed because it is another's by now", async () => {
    const job = await claim("spin");
    const execution = setup.pool().run(job);
    await setup.recorded(job);

    execution.stop("lease_lost");
    await execution.done;

    expect(await setup.result(job)).toMatchObject({ state: "running", crashes: 0, outcome: null });
  });

  it("is handed back when its worker stops while its process starts", async () => {
    const job = await claim("wait");
    const execution = setup.pool().run(job);

    execution.stop("shutdown");
    await execution.done;

    expect(await setup.result(job)).toMatchObject({
      state: "queued",
      attempt: 0,
      crashes: 0,
      outcome: "handed_back",
    });
  });

  it("waits uncounted when its process does not start", async () => {
    const job = await claim("wait");

    await setup.pool({ entry: new URL("./no-such-file.ts", import.meta.url) }).run(job).done;

    expect(await setup.result(job)).toMatchObject({
      state: "scheduled",
      attempt: 0,
      crashes: 0,
      outcome: "snoozed",
    });
  });

  it("counts a want of memory as a crash, so that it is never tried in the worker's own process", async () => {
    const job = await claim("wait");
    const death = {
      kind: "out_of_memory",
      ended: "SIGABRT",
      wasShared: false,
      ceilingMegabytes: 1024,
    } as const;

    await recordDeath(setup.parts, job, death, new AttemptStop());

    expect(await setup.result(job)).toMatchObject({ state: "queued", crashes: 1, outcome: "crashed" });
  });

  it("ends with its third crash, although its hook refuses every end", async () => {
    const onEnd = (): Promise<never> => Promise.reject(new Error("a broken hook"));
    const broken = handleTask({ task, run: () => Promise.reject(new Error("runs in the child")), onEnd });
    const job = await claim("die");
    await sql`UPDATE job SET crash_count = 2 WHERE id = ${job.id}`.execute(setup.database.queryable);

    await setup.pool({}, [broken]).run(job).done;

    expect(await setup.result(job)).toMatchObject({ state: "failed", crashes: 3, outcome: "crashed" });
  });

  it("shares its process with no other job, and ends it", async () => {
    const pool = setup.pool();

    const [first, second] = await setup.processesOf(pool, ["answer", "answer"], { runsAlone: true });

    expect(second).not.toBe(first);
    expect(pool.size).toBe(0);
  });

  it("is put off by a process that does not know its task", async () => {
    const job = await claim("wait");

    await executeJob({ ...setup.parts, registry: new TaskRegistry([]) }, job).done;

    expect(await setup.result(job)).toMatchObject({ state: "scheduled", attempt: 0, outcome: "snoozed" });
  });
});

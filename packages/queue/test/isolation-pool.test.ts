import { sleep } from "@millrace/kernel";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChangeNotice, JobTransition } from "../src/events/event.ts";
import { handlersOf, isAlive, IsolationSetup } from "./isolation-setup.ts";
import { scriptTask } from "./script-task.ts";

const task = { ...scriptTask, hardLimitMs: 1_000, isolation: { memoryMegabytes: 256 } };
/** To fill the memory takes a busy machine many seconds. */
const unhurried = handlersOf({ ...task, hardLimitMs: 60_000 });

describe("jobs of a task with isolation", () => {
  let setup: IsolationSetup;

  beforeAll(async () => {
    setup = await IsolationSetup.open(task);
  });
  afterAll(() => setup.close());

  it("share a process, one after another, until it has served its number of jobs", async () => {
    const pool = setup.pool({ maxJobs: 2 });

    const [first, second, third] = await setup.processesOf(pool, ["answer", "answer", "answer"]);

    expect(first).not.toBe(process.pid);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(isAlive(first!)).toBe(false);
  });

  it("get a fresh process when theirs has grown over the limit, not merely when it is over it", async () => {
    const pool = setup.pool({ maxMegabytes: 1 });

    const [first, second, third, fourth] = await setup.processesOf(pool, [
      "answer",
      "answer",
      "keep",
      "answer",
    ]);

    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
  });

  it("fail at the memory ceiling and harm no other job", async () => {
    const pool = setup.pool({ memoryCheckMs: 50 }, unhurried);
    const large = await setup.claim("swell");
    const other = await setup.claim("wait");
    const running = pool.run(other);
    const neighbour = await setup.recorded(other);

    await pool.run(large).done;

    expect(isAlive(neighbour)).toBe(true);
    running.stop("shutdown");
    await running.done;
    expect(await setup.result(other)).toMatchObject({ outcome: "handed_back" });
    expect(await setup.result(large)).toMatchObject({
      attempt: 1,
      crashes: 0,
      outcome: "failed",
      code: "job_out_of_memory",
    });
  });

  it("fail in the same way when the heap is full before anybody has looked", async () => {
    const pool = setup.pool({ memoryCheckMs: 600_000 }, unhurried);
    const job = await setup.claim("fill_heap");

    await pool.run(job).done;

    expect(await setup.result(job)).toMatchObject({
      crashes: 0,
      outcome: "failed",
      code: "job_out_of_memory",
    });
  });

  it.each(["die", "exit", "reject_at_once"])(
    "crash when their process ends under them: %s",
    async (script) => {
      const pool = setup.pool();
      const job = await setup.claim(script);

      await pool.run(job).done;

      expect(await setup.result(job)).toMatchObject({
        state: "queued",
        crashes: 1,
        outcome: "crashed",
        code: "job_process_died",
      });
      expect(pool.size).toBe(0);
    },
  );

  it("are not blamed for the death of a process in which others had been, and run alone next", async () => {
    const pool = setup.pool();
    await setup.processesOf(pool, ["answer"]);
    const job = await setup.claim("die");

    await pool.run(job).done;

    expect(await setup.result(job)).toMatchObject({
      state: "queued",
      runsAlone: true,
      crashes: 0,
      outcome: "crashed",
    });
  });

  it("do not use a process again in which an error was left to nobody", async () => {
    const pool = setup.pool();

    const [first] = await setup.processesOf(pool, ["reject_later"]);
    await expect.poll(() => pool.size).toBe(0);
    const [second] = await setup.processesOf(pool, ["answer"]);

    expect(second).not.toBe(first);
  });

  it("are tried in a fresh process when the one kept for them has died unnoticed", async () => {
    const pool = setup.pool();
    const [first] = await setup.processesOf(pool, ["answer"]);
    const job = await setup.claim("answer");

    process.kill(first!, "SIGKILL");
    await pool.run(job).done;

    expect(await setup.result(job)).toMatchObject({ state: "succeeded", attempt: 1, crashes: 0 });
  });

  it("do not use a process again whose job was told to stop", async () => {
    const pool = setup.pool();
    const job = await setup.claim("wait");
    const execution = pool.run(job);
    const child = await setup.recorded(job);

    execution.stop("cancelled");
    await execution.done;

    expect(await setup.result(job)).toMatchObject({ state: "cancelled" });
    expect(isAlive(child)).toBe(false);
  });

  it("never begin in a process that is ready when they are told to stop at once", async () => {
    const pool = setup.pool();
    const [ready] = await setup.processesOf(pool, ["answer"]);
    const job = await setup.claim("answer");
    await sql`UPDATE job SET expires_at = now() + interval '1 hour' WHERE id = ${job.id}`.execute(
      setup.database.queryable,
    );

    const execution = pool.run(job);
    execution.stop("shutdown");
    await execution.done;

    const expiry = await sql<{ is_kept: boolean }>`
      SELECT expires_at IS NOT NULL AS is_kept FROM job WHERE id = ${job.id}`.execute(
      setup.database.queryable,
    );
    expect(expiry.rows).toEqual([{ is_kept: true }]);
    expect(await setup.result(job)).toMatchObject({ state: "queued", outcome: "handed_back" });
    expect(await setup.processesOf(pool, ["answer"])).toEqual([ready]);
  });

  it("time out, with all that they started, when a loop keeps them from ending at the hard limit", async () => {
    const pool = setup.pool({ overrunMs: 100 });
    const job = await setup.claim("spin_with_helper");
    const execution = pool.run(job);
    const helper = await setup.recorded(job);
    expect(isAlive(helper)).toBe(true);

    await execution.done;

    expect(await setup.result(job)).toMatchObject({ attempt: 1, crashes: 0, outcome: "timed_out" });
    await expect.poll(() => isAlive(helper)).toBe(false);
  });

  it("have ended in time also when the database is away until after their hard limit", async () => {
    const pool = setup.pool({ overrunMs: 100 });
    // The process is there, so that nothing but the end needs the only connection.
    await pool.run(await setup.claim("only_answer")).done;
    const job = await setup.claim("only_answer");
    const away = setup.database.transaction(() => sleep(3_000));

    await pool.run(job).done;
    await away;

    expect(await setup.result(job)).toMatchObject({ state: "succeeded", attempt: 1, crashes: 0 });
  });

  it("tell the worker's watchers of each transition once", async () => {
    const transitions: JobTransition[] = [];
    const notices: ChangeNotice[] = [];
    const job = await setup.claim("publish");
    const endings = [
      setup.parts.bus.onTransition((transition) => transitions.push(transition)),
      setup.parts.bus.onNotice((notice) => notices.push(notice)),
    ];

    await setup.pool().run(job).done;

    for (const end of endings) end();
    expect(transitions.filter(({ type }) => type === "snoozed")).toHaveLength(1);
    expect(notices.filter(({ data }) => data.state === "blocked")).toHaveLength(1);
    expect(notices.filter(({ type }) => type === "tests.said")).toHaveLength(1);
  });
});

describe("the pool of children", () => {
  let setup: IsolationSetup;

  beforeAll(async () => {
    setup = await IsolationSetup.open({ ...task, hardLimitMs: 60_000 });
  });
  afterAll(() => setup.close());

  it("shrinks to nothing when there is no work", async () => {
    const pool = setup.pool({ idleMs: 50 });

    const [child] = await setup.processesOf(pool, ["answer"]);

    await expect.poll(() => pool.size).toBe(0);
    expect(isAlive(child!)).toBe(false);
  });

  it("leaves no child when it stops, and hands back what comes later", async () => {
    const pool = setup.pool();
    const [idle] = await setup.processesOf(pool, ["answer"]);
    const job = await setup.claim("answer");

    await pool.stop();
    await pool.run(job).done;

    expect(isAlive(idle!)).toBe(false);
    expect(pool.size).toBe(0);
    expect(await setup.result(job)).toMatchObject({ state: "queued", attempt: 0, outcome: "handed_back" });
  });

  it("lets jobs that run alone wait in line without their slots", async () => {
    const pool = setup.pool({ maxAlone: 1 });
    const slots: string[] = [];
    const slotOf = (name: string) => ({
      leave: () => void slots.push(`${name} leaves`),
      take: () => void slots.push(`${name} takes`),
    });
    const first = await setup.claim("wait", { runsAlone: true });
    const second = await setup.claim("answer", { runsAlone: true });
    const running = pool.run(first, slotOf("first"));
    const waiting = pool.run(second, slotOf("second"));
    await setup.recorded(first);
    expect(pool.size).toBe(1);
    expect(slots).toContain("second leaves");
    expect(slots).not.toContain("second takes");

    running.stop("cancelled");
    await waiting.done;

    expect(slots.at(-1)).toBe("second takes");
    expect(await setup.result(second)).toMatchObject({ state: "succeeded" });
  });

  it("hands back a job that is told to stop while it waits in line", async () => {
    const pool = setup.pool({ maxAlone: 1 });
    const first = await setup.claim("wait", { runsAlone: true });
    const second = await setup.claim("answer", { runsAlone: true });
    const running = pool.run(first);
    const waiting = pool.run(second);
    await setup.recorded(first);

    waiting.stop("shutdown");
    await waiting.done;

    expect(await setup.result(second)).toMatchObject({ state: "queued", attempt: 0, outcome: "handed_back" });
    running.stop("cancelled");
    await running.done;
  });

  it("ends idle children beyond its new size", async () => {
    const pool = setup.pool({ maxChildren: 2 });
    const jobs = [await setup.claim("answer"), await setup.claim("answer")];
    await Promise.all(jobs.map((job) => pool.run(job).done));
    expect(pool.size).toBe(2);

    pool.resize(1);

    await expect.poll(() => pool.size).toBe(1);
  });
});

describe("a child whose job reaches its hard limit", () => {
  let setup: IsolationSetup;

  beforeAll(async () => {
    setup = await IsolationSetup.open({ ...task, version: 2 });
  });
  afterAll(() => setup.close());

  it("records that itself and ends, because the handler may still be at work", async () => {
    const pool = setup.pool();
    const job = await setup.claim("hang");

    await pool.run(job).done;

    expect(await setup.result(job)).toMatchObject({ attempt: 1, crashes: 0, outcome: "timed_out" });
    expect(pool.size).toBe(0);
  });
});

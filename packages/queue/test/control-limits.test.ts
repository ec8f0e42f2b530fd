import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../src/index.ts";
import { LiveLimits } from "../src/limits/live-limits.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { listOwnerWeights, setOwnerWeight } from "../src/control/owner-weight.ts";
import { listQueueSettings, setQueueLimit } from "../src/control/queue-settings.ts";
import { isKnownTask } from "../src/control/known-task.ts";
import { readTaskControls, setTaskLimits } from "../src/control/task-limits.ts";
import { registerWorker } from "../src/worker/worker-row.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

describe.each(testDatabases())("limits set live on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    await clearJobs(database.queryable);
    for (const table of ["task_control", "owner_weight", "schedule"]) {
      await sql`DELETE FROM ${sql.table(table)}`.execute(database.queryable);
    }
  });

  it("are kept for a queue and for all queues, which come first", async () => {
    await setQueueLimit(database, "tests", { maxRunning: 5, by: "ann" });
    await setQueueLimit(database, "*", { maxRunning: 100, by: "ann" });
    await setQueueLimit(database, "alpha", { maxRunning: 0, by: "ben" });

    expect(await listQueueSettings(database.queryable)).toMatchObject([
      { queue: "*", max_running: 100, is_paused: false, updated_by: "ann" },
      { queue: "alpha", max_running: 0, updated_by: "ben" },
      { queue: "tests", max_running: 5 },
    ]);
  });

  it("are lifted from a queue by null", async () => {
    await setQueueLimit(database, "tests", { maxRunning: 5, by: "ann" });

    await setQueueLimit(database, "tests", { maxRunning: null, by: "ann" });

    expect(await listQueueSettings(database.queryable)).toMatchObject([
      { queue: "tests", max_running: null },
    ]);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 31])("can't be %d jobs", async (maxRunning) => {
    const refused = { code: "invalid_limit" };
    await expect(setQueueLimit(database, "tests", { maxRunning, by: "ann" })).rejects.toMatchObject(refused);
    const limits = { concurrency: maxRunning };
    await expect(setTaskLimits(database, "a.b", { limits, by: "ann" })).rejects.toMatchObject(refused);
  });

  it("are read for a task as the task itself has them", async () => {
    const limits = { rateLimit: "10/m", keyRateLimit: " 0.5 / s ", concurrency: 0, keyConcurrency: 2 };
    await setTaskLimits(database, "tests.run_script", { limits, by: "ann" });

    expect(await readTaskControls(database)).toEqual(
      new Map([
        [
          "tests.run_script",
          {
            rateLimit: { perSecond: 10 / 60, burst: 1 },
            keyRateLimit: { perSecond: 0.5, burst: 1 },
            concurrency: 0,
            keyConcurrency: 2,
          },
        ],
      ]),
    );
  });

  it("of a task stay as they are when they are left out, and are the program's again with null", async () => {
    const by = "ann";
    await setTaskLimits(database, "a.b", { limits: { rateLimit: "10/m", concurrency: 3 }, by });

    await setTaskLimits(database, "a.b", { limits: { concurrency: null, keyConcurrency: 4 }, by });

    expect((await readTaskControls(database)).get("a.b")).toEqual({
      rateLimit: { perSecond: 10 / 60, burst: 1 },
      keyConcurrency: 4,
    });
  });

  it("lift what a task declares, until they are taken back", async () => {
    const declared = defineTask({
      name: "tests.run_limited",
      queue: "tests",
      input: z.unknown(),
      output: z.unknown(),
      rateLimit: "10/m",
      keyRateLimit: "1/m",
      concurrency: 3,
      keyConcurrency: 1,
      limitKey: () => "a",
    });
    const live = new LiveLimits(new TaskRegistry([handleTask({ task: declared, run: async () => null })]));
    const none = {
      rateLimit: "none",
      keyRateLimit: "none",
      concurrency: "none",
      keyConcurrency: "none",
    } as const;

    await setTaskLimits(database, declared.name, { limits: none, by: "ann" });
    await live.refresh(database);
    const isLimitedMeanwhile = live.isLimited("tests");
    await setTaskLimits(database, declared.name, { limits: { concurrency: null }, by: "ann" });
    await live.refresh(database);

    expect(isLimitedMeanwhile).toBe(false);
    expect(live.limitsOf(declared.name)).toEqual({ concurrency: 3 });
    expect((await readTaskControls(database)).get(declared.name)).toEqual({
      rateLimit: "none",
      keyRateLimit: "none",
      keyConcurrency: "none",
    });
  });

  it("are kept in the queues too that schedules of a limited task name", async () => {
    const limited = defineTask({
      name: "tests.run_limited",
      queue: "tests",
      input: z.unknown(),
      output: z.unknown(),
      concurrency: 3,
    });
    const free = defineTask({ name: "tests.free", queue: "tests", input: z.unknown(), output: z.unknown() });
    const handlers = [limited, free].map((task) => handleTask({ task, run: async () => null }));
    const { schedules } = new Queue({ database, logger: silentLogger, handlers });
    const daily = { everyMs: 86_400_000, input: {} };
    const by = { by: "ann" };
    await schedules.create({ ...daily, name: "one", task: limited.name, queue: "reports" }, by);
    await schedules.create({ ...daily, name: "two", task: free.name, queue: "leisure" }, by);
    const live = new LiveLimits(new TaskRegistry(handlers));

    await live.refresh(database);
    const areLimited = ["tests", "reports", "leisure"].map((queue) => live.isLimited(queue));
    await schedules.delete("one");
    await live.refresh(database);

    expect(areLimited).toEqual([true, true, false]);
    expect(live.isLimited("reports")).toBe(false);
  });

  it("of a task are taken back all together", async () => {
    await setTaskLimits(database, "a.b", { limits: { concurrency: 3 }, by: "ann" });

    await setTaskLimits(database, "a.b", { limits: null, by: "ann" });

    expect(await readTaskControls(database)).toEqual(new Map());
  });

  it("are of tasks that a worker has registered or that have jobs, whoever knows them", async () => {
    await registerWorker(database, {
      id: newId(),
      name: "elsewhere",
      queues: ["tests"],
      concurrency: 1,
      tasks: ["tests.known_elsewhere@2"],
    });
    const states = ["queued", "scheduled", "running", "waiting", "failed", "succeeded"] as const;
    for (const state of states) {
      await writeJobs(database.queryable, { task: `tests.left_behind_${state}`, state });
    }
    await setTaskLimits(database, "tests.limited_before", { limits: { concurrency: 3 }, by: "ann" });

    for (const state of states) {
      expect(await isKnownTask(database, `tests.left_behind_${state}`)).toBe(true);
    }
    expect(await isKnownTask(database, "tests.known_elsewhere")).toBe(true);
    expect(await isKnownTask(database, "tests.limited_before")).toBe(true);
    expect(await isKnownTask(database, "tests.known")).toBe(false);
  });

  it("are of tasks of which jobs wait behind thousands that are newer", async () => {
    await writeJobs(database.queryable, { task: "tests.left_behind", queue: "others" });
    await writeJobs(database.queryable, { task: "tests.left_to_come", state: "scheduled" });
    await writeJobs(database.queryable, { task: "tests.left_failed", state: "failed" });
    await sql`UPDATE job SET run_at = now() - interval '1 day'`.execute(database.queryable);
    await writeJobs(database.queryable, { count: 2_000, state: "succeeded" });
    await writeJobs(database.queryable, { count: 2_000 });

    for (const task of ["tests.left_behind", "tests.left_to_come", "tests.left_failed"]) {
      expect(await isKnownTask(database, task)).toBe(true);
    }
  });

  it.each(["", "10", "0/m", "ten/m", "10/d"])("can't be the rate %j", async (rateLimit) => {
    for (const limits of [{ rateLimit }, { keyRateLimit: rateLimit }]) {
      await expect(setTaskLimits(database, "a.b", { limits, by: "ann" })).rejects.toMatchObject({
        code: "invalid_rate_limit",
      });
    }
  });

  it.each(["", "nothing.", "A.b", `a.${"b".repeat(200)}`])("can't be of a task %j", async (task) => {
    await expect(
      setTaskLimits(database, task, { limits: { concurrency: 1 }, by: "ann" }),
    ).rejects.toMatchObject({ code: "invalid_task_name" });
  });

  it("weigh owners until they weigh the same again", async () => {
    await setOwnerWeight(database, "small", 0.5);
    await setOwnerWeight(database, "large", 2);
    await setOwnerWeight(database, "large", 4);
    await setOwnerWeight(database, "gone", 3);
    await setOwnerWeight(database, "gone", null);

    expect(await listOwnerWeights(database.queryable)).toEqual([
      { owner: "large", weight: 4 },
      { owner: "small", weight: 0.5 },
    ]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-9])("can't weigh %d", async (weight) => {
    await expect(setOwnerWeight(database, "a", weight)).rejects.toMatchObject({ code: "invalid_limit" });
  });
});

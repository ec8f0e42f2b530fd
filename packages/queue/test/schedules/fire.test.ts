import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, schedule } from "../../src/index.ts";
import { pruneTicks } from "../../src/schedules/prune-ticks.ts";
import { openScene, report } from "./schedule-scene.ts";
import type { Scene } from "./schedule-scene.ts";

const by = { by: "ann" };
const hourly = schedule({ name: "hourly", task: report, input: { to: "ann" }, cron: "0 * * * *" });

describe.each(testDatabases())("schedules on $name", (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(kind);
  });
  afterAll(() => scene.close());
  beforeEach(() => scene.clear());

  it("make a job when their time has come, and no earlier", async () => {
    const { id } = await scene.schedules.create(
      { ...hourly, queue: "slow", priority: 8, owner: "o", tags: ["t"], expiresInMs: 60_000 },
      by,
    );
    await scene.setClock("2027-01-01T00:59:59.999Z");
    expect(await scene.fireAll()).toBe(0);
    await scene.setClock("2027-01-01T01:00:00Z");
    expect(await scene.fireAll()).toBe(1);

    const [job] = await scene.jobs();
    expect(job).toMatchObject({
      queue: "slow",
      priority: 8,
      owner: "o",
      input: { to: "ann" },
      tags: ["t"],
      meta: { schedule_id: id, schedule_name: "hourly", scheduled_for: "2027-01-01T01:00:00.000Z" },
    });
    expect(await scene.schedules.get("hourly")).toMatchObject({
      nextAt: new Date("2027-01-01T02:00:00Z"),
      lastAt: new Date("2027-01-01T01:00:00Z"),
      lastJobId: job?.id,
      totalRuns: 1,
    });
    expect(await scene.schedules.listRuns(id, { limit: 10 })).toMatchObject([
      {
        scheduledFor: new Date("2027-01-01T01:00:00Z"),
        outcome: "enqueued",
        jobId: job?.id,
        jobState: "queued",
      },
    ]);
  });

  it("are looked for until the next of them is due", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T00:59:58.500Z");

    expect((await scene.look()).waitMs).toBe(1_500);
  });

  it("take the daylight-saving change as their zone does", async () => {
    await scene.setClock("2027-10-30T12:00:00Z");
    await scene.schedules.create({ ...hourly, cron: "30 2 * * *", timezone: "Europe/Berlin" }, by);
    for (let hour = 0; hour < 48; hour++) {
      await scene.setClock(new Date(Date.parse("2027-10-30T12:30:00Z") + hour * 3_600_000).toISOString());
      await scene.fireAll();
    }

    expect(await scene.times()).toEqual(["2027-10-31T00:30:00.000Z", "2027-11-01T01:30:00.000Z"]);
  });

  it("make one job for a time, also when the clock is put back and comes to it again", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T02:00:00Z");
    await scene.fireAll();
    await scene.setClock("2027-01-01T01:59:00Z");
    expect(await scene.realign()).toBe(1);
    await scene.setClock("2027-01-01T02:00:01Z");
    expect(await scene.fireAll()).toBe(1);

    expect(await scene.times()).toEqual(["2027-01-01T02:00:00.000Z"]);
    expect(await scene.schedules.get("hourly")).toMatchObject({ nextAt: new Date("2027-01-01T03:00:00Z") });
  });

  it("do not rest for years when the clock was wrong for a while", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2040-01-01T00:00:00Z");
    await scene.fireAll();
    await scene.setClock("2027-01-01T05:30:00Z");
    await scene.realign();
    await scene.setClock("2027-01-01T06:00:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual(["2027-01-01T06:00:00.000Z", "2040-01-01T00:00:00.000Z"]);
  });

  it("are left where they are when nothing is wrong with them", async () => {
    await scene.schedules.create(hourly, by);
    await scene.schedules.create({ ...hourly, name: "later", startAt: new Date("2028-01-01T00:00:00Z") }, by);

    expect(await scene.realign()).toBe(0);
  });

  it("are brought back although one of them can't be read", async () => {
    for (const name of ["a", "unreadable", "z"]) await scene.schedules.create({ ...hourly, name }, by);
    await scene.setClock("2040-01-01T00:00:00Z");
    await scene.fireAll();
    await sql`UPDATE schedule SET cron = 'no cron' WHERE name = 'unreadable'`.execute(
      scene.database.queryable,
    );
    await scene.setClock("2027-01-01T05:30:00Z");

    await expect(scene.realign()).rejects.toThrow();

    for (const name of ["a", "z"]) {
      expect(await scene.schedules.get(name)).toMatchObject({ nextAt: new Date("2027-01-01T06:00:00Z") });
    }
  });

  it.each([
    { misfire: "once", times: ["2027-01-01T05:00:00.000Z"], missed: 4 },
    { misfire: "skip", times: [], missed: 5 },
    {
      misfire: "all",
      times: [1, 2, 3, 4, 5].map((hour) => `2027-01-01T0${hour}:00:00.000Z`),
      missed: 0,
    },
  ] as const)("after a downtime make up for it as `$misfire` says", async ({ misfire, times, missed }) => {
    await scene.schedules.create({ ...hourly, misfire }, by);
    await scene.setClock("2027-01-01T05:30:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual(times);
    expect(await scene.schedules.get("hourly")).toMatchObject({
      nextAt: new Date("2027-01-01T06:00:00Z"),
      totalRuns: times.length,
      totalMissed: missed,
    });
  });

  it("tell in their runs what was missed", async () => {
    await scene.schedules.create({ ...hourly, misfire: "skip" }, by);
    await scene.setClock("2027-01-01T05:30:00Z");
    await scene.fireAll();

    expect(await scene.schedules.listRuns("hourly", { limit: 10 })).toMatchObject([
      { outcome: "missed", missed: 4, scheduledFor: new Date("2027-01-01T05:00:00Z"), jobId: null },
    ]);
  });

  it("of an interval count from their start, however late they fire", async () => {
    const every = schedule({ name: "every", task: report, input: { to: "ann" }, every: "1m" });
    await scene.schedules.create(every, by);
    for (const time of ["00:01:00.4", "00:02:31", "00:03:00", "00:04:59.9"]) {
      await scene.setClock(`2027-01-01T${time}Z`);
      await scene.fireAll();
    }

    expect(await scene.times()).toEqual([1, 2, 3, 4].map((minute) => `2027-01-01T00:0${minute}:00.000Z`));
  });

  it("come no earlier than their start and no later than their end", async () => {
    const startAt = new Date("2027-01-01T02:00:00Z");
    const endAt = new Date("2027-01-01T03:00:00Z");
    await scene.schedules.create({ ...hourly, startAt, endAt, misfire: "all" }, by);
    await scene.setClock("2027-01-01T09:00:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual([startAt.toISOString(), endAt.toISOString()]);
    expect(await scene.schedules.get("hourly")).toMatchObject({ state: "ended", nextAt: null });
  });

  it("of a single time fire once and have ended", async () => {
    const at = new Date("2027-01-01T00:10:00Z");
    await scene.schedules.create(schedule({ name: "single", task: report, input: { to: "ann" }, at }), by);
    await scene.setClock("2027-01-01T00:10:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual([at.toISOString()]);
    expect(await scene.schedules.get("single")).toMatchObject({ state: "ended" });
    expect(await scene.schedules.nextRuns("single")).toEqual([]);
  });

  it("with jitter fire within it, for the time itself", async () => {
    const { id } = await scene.schedules.create({ ...hourly, jitterMs: 600_000 }, by);
    const { dueAt, nextAt } = await scene.schedules.get(id);
    const late = (dueAt?.getTime() ?? 0) - (nextAt?.getTime() ?? 0);
    await scene.setClock(new Date((dueAt?.getTime() ?? 0) - 1).toISOString());
    expect(await scene.fireAll()).toBe(0);
    await scene.setClock((dueAt ?? new Date(0)).toISOString());
    await scene.fireAll();

    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThanOrEqual(600_000);
    expect(await scene.times()).toEqual(["2027-01-01T01:00:00.000Z"]);
  });

  it("that skip overlaps make no job while a former one is pending", async () => {
    await scene.schedules.create({ ...hourly, overlap: "skip" }, by);
    await scene.setClock("2027-01-01T01:00:00Z");
    await scene.fireAll();
    await scene.setClock("2027-01-01T02:00:00Z");
    await scene.fireAll();
    await scene.endJobs();
    await scene.setClock("2027-01-01T03:00:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual(["2027-01-01T01:00:00.000Z", "2027-01-01T03:00:00.000Z"]);
    const outcomes = (await scene.schedules.listRuns("hourly", { limit: 10 })).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["enqueued", "overlap", "enqueued"]);
  });

  it("that skip overlaps do so however many times pass while a job is pending", async () => {
    await scene.schedules.create({ ...hourly, overlap: "skip" }, by);
    for (let hour = 1; hour <= 103; hour++) {
      await scene.setClock(new Date(Date.UTC(2027, 0, 1, hour)).toISOString());
      await scene.fireAll();
    }

    expect(await scene.times()).toEqual(["2027-01-01T01:00:00.000Z"]);
  });

  it("that skip overlaps make one job for many missed times", async () => {
    await scene.schedules.create({ ...hourly, overlap: "skip", misfire: "all" }, by);
    await scene.setClock("2027-01-01T05:00:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual(["2027-01-01T01:00:00.000Z"]);
  });

  it("whose input fits no more say so, and keep nobody else from firing", async () => {
    await scene.schedules.create(hourly, by);
    await sql`UPDATE schedule SET input = '{"to": 7}'`.execute(scene.database.queryable);
    await scene.schedules.create({ ...hourly, name: "other" }, by);
    await scene.setClock("2027-01-01T01:00:00Z");
    await scene.fireAll();

    expect((await scene.jobs()).map(({ meta }) => meta["schedule_name"])).toEqual(["other"]);
    expect(await scene.schedules.get("hourly")).toMatchObject({
      lastErrorCode: "invalid_job_input",
      nextAt: new Date("2027-01-01T02:00:00Z"),
    });
    expect(await scene.schedules.listRuns("hourly", { limit: 1 })).toMatchObject([
      { outcome: "refused", errorCode: "invalid_job_input", jobId: null },
    ]);
  });

  it("whose task is not known here wait for a process that knows it", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T01:00:00Z");

    expect(await scene.fireAll(scene.partsFor([]))).toBe(0);
    expect(await scene.fireAll()).toBe(1);
  });

  it("give their jobs to the highest version of their task", async () => {
    const second = defineTask({
      name: report.name,
      version: 2,
      input: z.object({ to: z.string() }),
      output: z.null(),
    });
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T01:00:00Z");
    await scene.fireAll(scene.partsFor([second, report]));

    const found = await sql<{ task_version: number }>`SELECT task_version FROM job`.execute(
      scene.database.queryable,
    );
    expect(found.rows).toEqual([{ task_version: 2 }]);
  });

  it("note the job that stands for theirs because its task is unique", async () => {
    const single = defineTask({
      name: "reports.only_one",
      input: z.object({}),
      output: z.null(),
      unique: () => "only",
    });
    const parts = scene.partsFor([single]);
    await sql`
      INSERT INTO schedule (id, name, task, input, kind, timezone, every_ms, anchor_at, jitter_ms, misfire, grace_ms,
        overlap, next_at, due_at, source, created_by, updated_by)
      SELECT gen_random_uuid(), 'single', ${single.name}, '{}', 'interval', 'UTC', 60000, at, 0, 'once', 0, 'allow',
        at, at, 'person', 'ann', 'ann' FROM test_clock`.execute(scene.database.queryable);
    await scene.fireAll(parts);
    await scene.setClock("2027-01-01T00:01:00Z");
    await scene.fireAll(parts);

    const runs = await scene.schedules.listRuns("single", { limit: 5 });
    expect(runs.map(({ outcome }) => outcome)).toEqual(["overlap", "enqueued"]);
    expect(runs[0]?.jobId).toBe(runs[1]?.jobId);
  });

  it("forget old runs but for the last thousand, and those of a day", async () => {
    const { id } = await scene.schedules.create(hourly, by);
    await sql`
      INSERT INTO schedule_tick (id, schedule_id, scheduled_for, fired_at, outcome)
      SELECT ('00000000-0000-7000-8000-' || lpad(nth::text, 12, '0'))::uuid, ${id},
             now() - (3000 - nth) * interval '1 minute', now() - (3000 - nth) * interval '1 minute', 'missed'
      FROM generate_series(1, 3000) AS nth`.execute(scene.database.queryable);

    while (await pruneTicks(scene.database));

    const left = await sql<{ count: number; oldest: number }>`
      SELECT count(*) AS count, extract(epoch FROM now() - min(fired_at)) / 60 AS oldest FROM schedule_tick`.execute(
      scene.database.queryable,
    );
    // A day has 1440 minutes.
    expect(Number(left.rows[0]?.count)).toBe(1440);
  });
});

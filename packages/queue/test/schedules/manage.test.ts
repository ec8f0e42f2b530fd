import { errorCode, isMillraceError } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { schedule } from "../../src/index.ts";
import { openScene, report } from "./schedule-scene.ts";
import type { Scene } from "./schedule-scene.ts";

const by = { by: "ann" };
const hourly = schedule({ name: "hourly", task: report, input: { to: "ann" }, cron: "0 * * * *" });

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(() => "", errorCode);
}

/** The fields that an error names. */
async function fieldsOf(work: Promise<unknown>): Promise<readonly string[]> {
  return await work.then(
    () => [],
    (error: unknown) => (isMillraceError(error) ? error.items.map(({ pointer }) => pointer) : []),
  );
}

describe.each(testDatabases())("whoever manages schedules on $name", (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(kind);
  });
  afterAll(() => scene.close());
  beforeEach(() => scene.clear());

  it("finds one by its id and by its name", async () => {
    const made = await scene.schedules.create(hourly, by);

    expect(await scene.schedules.get(made.id)).toEqual(made);
    expect(await scene.schedules.get("hourly")).toEqual(made);
    expect(await codeOf(scene.schedules.get("daily"))).toBe("schedule_not_found");
  });

  it("is told that a name is taken", async () => {
    await scene.schedules.create(hourly, by);
    await scene.schedules.create({ ...hourly, name: "other" }, by);

    expect(await codeOf(scene.schedules.create(hourly, by))).toBe("schedule_name_taken");
    expect(await codeOf(scene.schedules.update("other", { name: "hourly" }, by))).toBe("schedule_name_taken");
  });

  it("is told which fields can't be", async () => {
    const wrong = { ...hourly, cron: "61 * * * *", timezone: "Mars/Olympus", task: "no.such_task" };

    expect(await fieldsOf(scene.schedules.create(wrong, by))).toEqual(["/timezone", "/cron", "/task"]);
  });

  it("is told of one that would never run", async () => {
    const endAt = new Date("2026-01-01T00:00:00Z");
    const single = { name: "single", task: report.name, input: { to: "ann" }, at: endAt };

    expect(await fieldsOf(scene.schedules.create({ ...hourly, endAt }, by))).toEqual(["/end_at"]);
    expect(await fieldsOf(scene.schedules.create(single, by))).toEqual(["/at"]);
  });

  it("changes when it comes, from the next moment on", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T00:10:00Z");
    const changed = await scene.schedules.update("hourly", { cron: "*/15 * * * *" }, { by: "bob" });
    await scene.setClock("2027-01-01T00:15:00Z");
    await scene.fireAll();

    expect(changed).toMatchObject({
      nextAt: new Date("2027-01-01T00:15:00Z"),
      updatedBy: "bob",
      createdBy: "ann",
    });
    expect(await scene.times()).toEqual(["2027-01-01T00:15:00.000Z"]);
  });

  it("changes its zone, and nothing of the former zone fires", async () => {
    await scene.schedules.create({ ...hourly, cron: "0 9 * * *" }, by);
    await scene.setClock("2027-01-01T07:30:00Z");
    await scene.schedules.update("hourly", { timezone: "America/New_York" }, by);
    await scene.setClock("2027-01-01T13:59:59Z");
    expect(await scene.fireAll()).toBe(0);
    await scene.setClock("2027-01-01T14:00:00Z");
    await scene.fireAll();

    expect(await scene.times()).toEqual(["2027-01-01T14:00:00.000Z"]);
  });

  it("changes what it does without moving when", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T01:00:30Z");
    await scene.schedules.update("hourly", { name: "renamed", input: { to: "bob" } }, by);
    await scene.fireAll();

    expect(await scene.jobs()).toMatchObject([
      { input: { to: "bob" }, meta: { schedule_name: "renamed", scheduled_for: "2027-01-01T01:00:00.000Z" } },
    ]);
  });

  it("keeps what an interval counts from when its length is changed", async () => {
    await scene.schedules.create(
      { name: "every", task: report.name, input: { to: "ann" }, everyMs: 3_600_000 },
      by,
    );
    await scene.setClock("2027-01-01T00:20:00Z");
    const changed = await scene.schedules.update("every", { everyMs: 900_000 }, by);

    expect(changed.nextAt).toEqual(new Date("2027-01-01T00:30:00Z"));
  });

  it("makes another kind of schedule of it", async () => {
    await scene.schedules.create(hourly, by);

    const changed = await scene.schedules.update("hourly", { everyMs: 60_000 }, by);

    expect(changed).toMatchObject({ kind: "interval", cron: null, nextAt: new Date("2027-01-01T00:01:00Z") });
  });

  it("starts it again after its end", async () => {
    await scene.schedules.create({ ...hourly, endAt: new Date("2027-01-01T01:00:00Z") }, by);
    await scene.setClock("2027-01-01T01:00:00Z");
    await scene.fireAll();
    expect(await scene.schedules.get("hourly")).toMatchObject({ state: "ended" });

    expect(await scene.schedules.update("hourly", { endAt: null }, by)).toMatchObject({
      state: "active",
      nextAt: new Date("2027-01-01T02:00:00Z"),
    });
  });

  it("pauses it: nothing comes until it is resumed", async () => {
    await scene.schedules.create(hourly, by);
    const paused = await scene.schedules.pause("hourly", { by: "bob", reason: "holidays" });
    await scene.setClock("2027-01-01T03:30:00Z");

    expect(paused).toMatchObject({ state: "paused", pausedBy: "bob", pauseReason: "holidays" });
    expect([await scene.fireAll(), (await scene.look()).waitMs]).toEqual([0, null]);
  });

  it("resumes it, and what passed meanwhile is made up for by its policy", async () => {
    await scene.schedules.create({ ...hourly, misfire: "all" }, by);
    await scene.schedules.create({ ...hourly, name: "skipping", misfire: "skip" }, by);
    for (const name of ["hourly", "skipping"]) await scene.schedules.pause(name, by);
    await scene.setClock("2027-01-01T02:30:00Z");
    for (const name of ["hourly", "skipping"]) await scene.schedules.resume(name, by);
    await scene.fireAll();

    expect(await scene.times()).toEqual(["2027-01-01T01:00:00.000Z", "2027-01-01T02:00:00.000Z"]);
    expect(await scene.schedules.get("skipping")).toMatchObject({
      state: "active",
      totalRuns: 0,
      nextAt: new Date("2027-01-01T03:00:00Z"),
    });
  });

  it("lets go on what is not paused without a change", async () => {
    const made = await scene.schedules.create(hourly, by);

    expect(await scene.schedules.resume("hourly", { by: "bob" })).toEqual(made);
  });

  it("runs it now, beside its times, also while it is paused", async () => {
    const { id } = await scene.schedules.create(hourly, by);
    await scene.schedules.pause("hourly", by);
    await scene.setClock("2027-01-01T00:20:00Z");
    const job = await scene.schedules.runNow("hourly", { by: "bob" });

    expect(await scene.schedules.get(id)).toMatchObject({
      nextAt: new Date("2027-01-01T01:00:00Z"),
      lastJobId: job.id,
      totalRuns: 1,
    });
    expect(await scene.schedules.listRuns(id, { limit: 5 })).toMatchObject([
      { isManual: true, askedBy: "bob", jobId: job.id, scheduledFor: new Date("2027-01-01T00:20:00Z") },
    ]);
  });

  it("may run it in the very moment at which it comes", async () => {
    await scene.schedules.create(hourly, by);
    await scene.setClock("2027-01-01T01:00:00Z");
    await scene.schedules.runNow("hourly", by);
    await scene.fireAll();

    expect(await scene.jobs()).toHaveLength(2);
  });

  it("sees its next ten times", async () => {
    await scene.schedules.create(hourly, by);

    const runs = await scene.schedules.nextRuns("hourly");

    expect(runs).toEqual(Array.from({ length: 10 }, (_, hour) => new Date(Date.UTC(2027, 0, 1, hour + 1))));
  });

  it("sees the times of one that is not made yet", async () => {
    const runs = await scene.schedules.preview({ cron: "0 12 * * 1", timezone: "Europe/Berlin" }, 2);

    expect(runs).toEqual([new Date("2027-01-04T11:00:00Z"), new Date("2027-01-11T11:00:00Z")]);
    expect(await fieldsOf(scene.schedules.preview({ cron: "x" }))).toEqual(["/cron"]);
  });

  it("deletes it, and its jobs stay", async () => {
    const { id } = await scene.schedules.create(hourly, by);
    await scene.schedules.runNow(id, by);
    await scene.schedules.delete(id);

    expect(await codeOf(scene.schedules.get(id))).toBe("schedule_not_found");
    expect(await scene.jobs()).toHaveLength(1);
  });

  it("lists them newest first, by task, state, source and owner", async () => {
    for (const name of ["a", "b", "c"]) await scene.schedules.create({ ...hourly, name, owner: name }, by);
    await scene.schedules.pause("b", by);
    await scene.schedules.declare([{ ...hourly, name: "d" }], { source: "program" });
    const names = async (filter: object) =>
      (await scene.schedules.list({ limit: 10, ...filter })).map(({ name }) => name);

    expect(await names({})).toEqual(["d", "c", "b", "a"]);
    expect(await names({ state: "paused" })).toEqual(["b"]);
    expect(await names({ source: "program" })).toEqual(["d"]);
    expect(await names({ task: "no.such_task" })).toEqual([]);
    expect(await names({ owner: "a" })).toEqual(["d", "a"]);
    expect(await names({ before: (await scene.schedules.get("b")).id })).toEqual(["a"]);
  });
});

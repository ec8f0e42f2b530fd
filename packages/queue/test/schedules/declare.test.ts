import { errorCode } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { schedule } from "../../src/index.ts";
import type { NewSchedule } from "../../src/index.ts";
import { openScene, report } from "./schedule-scene.ts";
import type { Scene } from "./schedule-scene.ts";

const by = { by: "ann" };
const hourly = schedule({ name: "hourly", task: report, input: { to: "ann" }, cron: "0 * * * *" });
const daily = schedule({ name: "daily", task: report, input: { to: "ann" }, cron: "@daily" });

describe.each(testDatabases())("schedules that a program declares on $name", (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(kind);
  });
  afterAll(() => scene.close());
  beforeEach(() => scene.clear());

  const declare = (...list: NewSchedule[]) =>
    scene.schedules.declare(list, { source: "program", owner: "o" });

  it("are created, changed and removed as the list is", async () => {
    expect(await declare(hourly, daily)).toEqual({ created: ["hourly", "daily"], changed: [], removed: [] });
    const changed = { ...hourly, cron: "*/30 * * * *" };

    expect(await declare(changed)).toEqual({ created: [], changed: ["hourly"], removed: ["daily"] });
    expect(await scene.schedules.get("hourly")).toMatchObject({
      cron: "*/30 * * * *",
      nextAt: new Date("2027-01-01T00:30:00Z"),
      source: "program",
      owner: "o",
    });
    expect(await declare()).toEqual({ created: [], changed: [], removed: ["hourly"] });
  });

  it("stay as they are when the list says the same, however its fields are ordered", async () => {
    await declare(hourly);
    const before = await scene.schedules.get("hourly");
    const reordered = Object.fromEntries(Object.entries(hourly).toReversed()) as NewSchedule;

    expect(await declare(reordered)).toEqual({ created: [], changed: [], removed: [] });
    expect(await scene.schedules.get("hourly")).toEqual(before);
  });

  it("keep what people edited until the declaration changes", async () => {
    await declare(hourly);
    await scene.schedules.update("hourly", { cron: "5 * * * *" }, by);
    await declare(hourly);
    expect(await scene.schedules.get("hourly")).toMatchObject({ cron: "5 * * * *", isEdited: true });

    await declare({ ...hourly, description: "new" });
    expect(await scene.schedules.get("hourly")).toMatchObject({ cron: "0 * * * *", isEdited: false });
  });

  it("stay paused whatever is declared", async () => {
    await declare(hourly);
    await scene.schedules.pause("hourly", { ...by, reason: "an incident" });
    await declare({ ...hourly, description: "new" });

    expect(await scene.schedules.get("hourly")).toMatchObject({
      state: "paused",
      pauseReason: "an incident",
    });
  });

  it("can't be deleted: they would come back", async () => {
    await declare(hourly);

    expect(await scene.schedules.delete("hourly").catch(errorCode)).toBe("schedule_is_declared");
  });

  it("leave those of others alone, and may not take their names", async () => {
    await scene.schedules.create(daily, by);
    await scene.schedules.declare([{ ...hourly, name: "upkeep" }], { source: "product" });
    await declare(hourly);

    expect(await declare(daily).catch(errorCode)).toBe("schedule_name_taken");
    expect((await scene.schedules.list({ limit: 9 })).map(({ name }) => name)).toEqual([
      "hourly",
      "upkeep",
      "daily",
    ]);
  });

  it("are all refused when one can't be", async () => {
    expect(await declare(hourly, { ...daily, cron: "x" }).catch(errorCode)).toBe("invalid_schedule");
    expect(await declare(hourly, hourly).catch(errorCode)).toBe("invalid_schedule");
    expect(await scene.schedules.list({ limit: 9 })).toEqual([]);
  });

  it("may be of a time that has passed: it has ended, and the program starts", async () => {
    await declare(schedule({ name: "past", task: report, input: { to: "ann" }, at: new Date(0) }));

    expect(await scene.schedules.get("past")).toMatchObject({ state: "ended" });
  });

  it("are made once by two processes that start together", async () => {
    const results = await Promise.all([declare(hourly, daily), declare(hourly, daily)]);

    expect(results.flatMap(({ created }) => created)).toHaveLength(2);
  });
});

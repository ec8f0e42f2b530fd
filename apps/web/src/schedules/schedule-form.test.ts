import { describe, expect, it } from "vitest";
import { testSchedule } from "../../test/sample-schedule.ts";
import { changesOf, emptyForm, formOf, hasTiming, requestOf, timingOf } from "./schedule-form.ts";
import type { ScheduleForm } from "./schedule-form.ts";

describe("formOf and requestOf", () => {
  it("give back the schedule that they were given", () => {
    const schedule = testSchedule({
      every_seconds: 7200,
      cron: null,
      kind: "interval",
      tags: ["a", "b"],
      priority: 0,
      start_at: "2026-11-20T12:00:00.000Z",
      input: { deep: [1, null] },
    });

    const read = requestOf(formOf(schedule));

    expect(read).toEqual({
      request: expect.objectContaining({
        name: schedule.name,
        task: schedule.task,
        every_seconds: 7200,
        cron: null,
        at: null,
        tags: ["a", "b"],
        priority: 0,
        start_at: "2026-11-20T12:00:00.000Z",
        input: { deep: [1, null] },
      }),
    });
  });

  it("keep how late a time may come, where late ones are left out", () => {
    const form = formOf(testSchedule({ misfire: "skip", grace_seconds: 5 }));

    expect(requestOf(form)).toMatchObject({ request: { misfire: "skip", grace_seconds: 5 } });
    expect(requestOf({ ...form, graceSeconds: "" })).toMatchObject({ request: { grace_seconds: 60 } });
    expect(requestOf({ ...form, misfire: "once" })).not.toHaveProperty("request.grace_seconds");
  });

  it("say that the input is no JSON instead of sending it", () => {
    expect(requestOf({ ...emptyForm("UTC"), input: "{" })).toHaveProperty("inputError");
  });
});

describe("changesOf", () => {
  const opened = formOf(
    testSchedule({ tags: ["a"], input: { deep: [1, null] }, start_at: "2026-11-20T12:00:30.000Z" }),
  );

  function changed(form: Partial<ScheduleForm>) {
    const read = requestOf({ ...opened, ...form });
    return "request" in read ? changesOf(opened, read.request) : read;
  }

  it("has nothing of what stayed, not even a moment whose seconds the form does not show", () => {
    expect(changed({})).toEqual({});
    expect(changed({ input: '{"deep":[1,null]}' })).toEqual({});
  });

  it("has what was changed, and what was emptied", () => {
    const form = { description: "By night", tags: "", startAt: "", timezone: "Europe/Berlin" };

    expect(changed(form)).toEqual({
      description: "By night",
      tags: [],
      start_at: null,
      timezone: "Europe/Berlin",
    });
  });

  it("has the whole of the times when they are of another kind, so that one of another kind goes", () => {
    expect(changed({ kind: "interval" })).toEqual({ cron: null, every_seconds: 900, at: null });
  });

  it("has how late a time may come once late ones are left out", () => {
    expect(changed({ misfire: "skip" })).toEqual({ misfire: "skip", grace_seconds: 60 });
  });
});

describe("timingOf", () => {
  it("sends the chosen kind only, with the zone where it matters", () => {
    const form = { ...emptyForm("Europe/Berlin"), everyCount: "90", everyUnit: "60" };

    expect(timingOf(form)).toMatchObject({
      cron: "0 3 * * *",
      timezone: "Europe/Berlin",
      every_seconds: null,
    });
    expect(timingOf({ ...form, kind: "interval" })).toEqual({
      cron: null,
      every_seconds: 5400,
      at: null,
      start_at: null,
      end_at: null,
    });
  });
});

describe("hasTiming", () => {
  it("waits for a whole date and a number", () => {
    const form = emptyForm("UTC");

    expect(hasTiming({ ...form, kind: "once", at: "2026-11" })).toBe(true);
    expect(hasTiming({ ...form, kind: "once", at: "" })).toBe(false);
    expect(hasTiming({ ...form, kind: "interval", everyCount: "" })).toBe(false);
    expect(hasTiming({ ...form, cron: " " })).toBe(false);
  });
});

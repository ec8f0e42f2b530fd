import { errorCode, isMillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../tasks/task.ts";
import { checkSchedule } from "./check-schedule.ts";
import { parseDuration } from "./duration.ts";
import { changeSchedule, completeSchedule, schedule } from "./schedule.ts";
import type { NewSchedule } from "./schedule.ts";

const report = defineTask({
  name: "reports.send_report",
  input: z.object({ to: z.string() }),
  output: z.null(),
});
const given: NewSchedule = { name: "nightly", task: report.name, cron: "0 2 * * *", input: { to: "ann" } };

/** Pointers of the fields that are refused. */
function refused(fields: Partial<NewSchedule>, task = report): readonly string[] {
  try {
    checkSchedule(completeSchedule({ ...given, ...fields }), task);
    return [];
  } catch (error) {
    if (!isMillraceError(error) || error.code !== "invalid_schedule") throw error;
    return error.items.map(({ pointer }) => pointer);
  }
}

describe("a schedule", () => {
  it("is made of a task and its input", () => {
    const made = schedule({ name: "often", task: report, input: { to: "ann" }, every: "15m", jitter: "30s" });

    expect(made).toEqual({
      name: "often",
      task: "reports.send_report",
      input: { to: "ann" },
      everyMs: 900_000,
      jitterMs: 30_000,
    });
  });

  it("is in order as it is", () => {
    expect(refused({})).toEqual([]);
  });

  it.each([
    [{ cron: "61 * * * *" }, ["/cron"]],
    [{ cron: "* * *" }, ["/cron"]],
    [{ cron: "2027-01-01T00:00:00Z" }, ["/cron"]],
    [{ cron: "0 0 31 2 *" }, ["/cron"]],
    [{ cron: "* * * * * * 2030" }, ["/cron"]],
    [{ timezone: "Mars/Olympus" }, ["/timezone"]],
    [{ cron: "x", timezone: "y" }, ["/timezone", "/cron"]],
    [{ cron: null }, ["/cron"]],
    [{ everyMs: 60_000 }, ["/cron"]],
    [{ cron: null, everyMs: 999 }, ["/every_seconds"]],
    [{ at: new Date(Number.NaN), cron: null }, ["/at"]],
    [{ startAt: new Date(2_000), endAt: new Date(1_000) }, ["/end_at"]],
    [{ jitterMs: -1 }, ["/jitter_seconds"]],
    [{ priority: 10 }, ["/priority"]],
    [{ queue: "Not A Queue" }, ["/queue"]],
    [{ expiresInMs: 0 }, ["/expires_seconds"]],
    [{ name: " x" }, ["/name"]],
    [{ name: "01900000-0000-7000-8000-000000000001" }, ["/name"]],
    [{ input: { to: 7 } }, ["/input/to"]],
  ] satisfies [Partial<NewSchedule>, string[]][])("with %j is refused for %j", (fields, pointers) => {
    expect(refused(fields)).toEqual(pointers);
  });

  it("with an input that is no JSON is refused for it", () => {
    expect(refused({ input: { to: 10n } })).toEqual(["/input"]);
  });

  it("of a task that is not known is refused", () => {
    expect(() => checkSchedule(completeSchedule(given), undefined)).toThrow(/task is not known here/);
  });

  it("takes another kind of timing in place of its own", () => {
    const changed = changeSchedule(completeSchedule(given), { everyMs: 5_000 });

    expect([changed.cron, changed.everyMs, changed.at]).toEqual([null, 5_000, null]);
  });

  it("keeps its timing when something else is changed", () => {
    expect(changeSchedule(completeSchedule(given), { priority: 1 })).toEqual({
      ...completeSchedule(given),
      priority: 1,
    });
  });
});

describe("a duration", () => {
  it.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5m", 90_000],
    ["6h", 21_600_000],
    ["1d", 86_400_000],
    ["2w", 1_209_600_000],
    [1234, 1234],
  ])("of %j is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "5", "m", "5 years", "-5s", -1, Number.NaN, "__proto__"])("can't be %j", (text) => {
    let code = "";
    try {
      parseDuration(text);
    } catch (error) {
      code = errorCode(error);
    }

    expect(code).toBe("invalid_duration");
  });
});

import { parseSettings } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { alarmSettings, alarmThresholds } from "./settings.ts";

const parse = (environment: Record<string, string>) => parseSettings(alarmSettings.schema, environment);

describe("the settings of alarms", () => {
  it("have a default for each", () => {
    expect(alarmThresholds(parse({}))).toEqual({
      queueDepth: [
        { name: "chat", isPrefix: false, limit: 10 },
        { name: "", isPrefix: true, limit: 10_000 },
      ],
      oldestWaitSeconds: [
        { name: "chat", isPrefix: false, limit: 30 },
        { name: "", isPrefix: true, limit: 300 },
      ],
      failedJobs: [{ name: "", isPrefix: true, limit: 1000 }],
      failureRatePercent: 1,
      failureWindowSeconds: 600,
      failureMinEnds: 20,
      crashedHours: 24,
      workerIdleSeconds: 60,
      workerMemoryBytes: 2_147_483_648,
      pausedHours: 8,
      oldSnapshotSeconds: 60,
    });
  });

  it("take kinds that are not wanted, and a share of less than a percent", () => {
    const settings = parse({ ALARM_OFF: "worker_memory, clock_jump", ALARM_FAILURE_RATE_PERCENT: "0.1" });

    expect(settings.ALARM_OFF).toEqual(["worker_memory", "clock_jump"]);
    expect(settings.ALARM_FAILURE_RATE_PERCENT).toBe(0.1);
  });

  it.each([
    ["ALARM_QUEUE_DEPTH", "chat", "chat:10"],
    ["ALARM_OLDEST_WAIT_SECONDS", "chat:0", "at least 1"],
    ["ALARM_FAILED_JOBS", "*:1,*:2", "twice"],
    ["ALARM_OFF", "noise", "queue_without_worker"],
    ["ALARM_WEBHOOK_URL", "ftp://x", "https://"],
    ["ALARM_WEBHOOK_URL", "https://me:secret@example.org/", "no user"],
    ["ALARM_WEBHOOK_SECRET", "hunter2", "openssl"],
    ["ALARM_WEBHOOK_SECRET", "whsec_c2hvcnQ=", "24"],
    ["ALARM_LOOK_SECONDS", "0", ">=1"],
  ])("say what is wrong with %s=%s", (name, value, expected) => {
    expect(() => parse({ [name]: value })).toThrowError(
      expect.objectContaining({
        code: "invalid_settings",
        items: [expect.objectContaining({ pointer: name, message: expect.stringContaining(expected) })],
      }),
    );
  });
});

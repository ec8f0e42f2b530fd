import { describe, expect, it } from "vitest";
import { testJob, testJobDetail } from "../../test/sample-job.ts";
import { canCancel, canRetry, runOf, waitOf } from "./job-times.ts";

const now = Date.parse("2026-11-20T12:05:00Z");

function attempt(startedAt: string, finishedAt: string | null = null) {
  return {
    attempt: 1,
    worker: "w",
    started_at: startedAt,
    finished_at: finishedAt,
    outcome: null,
    error: null,
  };
}

describe("waitOf", () => {
  it("counts on while the job is queued", () => {
    expect(waitOf(testJobDetail({ state: "queued" }), now)).toEqual({
      from: "2026-11-20T12:00:00Z",
      to: null,
    });
  });

  it("begins when the job was due, not when it was made", () => {
    const job = testJobDetail({
      state: "running",
      run_at: "2026-11-20T12:03:00Z",
      attempts: [attempt("2026-11-20T12:03:02Z")],
    });

    expect(waitOf(job, now)).toEqual({ from: "2026-11-20T12:03:00Z", to: "2026-11-20T12:03:02Z" });
  });

  it("is not known of a job that waits for a retry", () => {
    const job = testJobDetail({
      state: "scheduled",
      run_at: "2026-11-20T12:10:00Z",
      attempts: [attempt("2026-11-20T12:00:01Z", "2026-11-20T12:00:02Z")],
    });

    expect(waitOf(job, now)).toBeUndefined();
  });
});

describe("runOf", () => {
  it("is of the newest attempt", () => {
    const attempts = [
      attempt("2026-11-20T12:04:00Z"),
      attempt("2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z"),
    ];

    expect(runOf(testJobDetail({ attempts }))).toEqual({ from: "2026-11-20T12:04:00Z", to: null });
  });

  it("is undefined before the first", () => {
    expect(runOf(testJobDetail())).toBeUndefined();
  });
});

describe("what may be done", () => {
  const end = { finished_at: "2026-11-20T12:01:00Z" };

  it("cancels what has not ended, once", () => {
    expect(canCancel(testJob({ state: "running" }))).toBe(true);
    expect(canCancel(testJob({ state: "running", display_state: "cancelling" }))).toBe(false);
    expect(canCancel(testJob({ state: "failed", ...end }))).toBe(false);
  });

  it("retries every end but success", () => {
    expect(canRetry(testJob({ state: "expired", ...end }))).toBe(true);
    expect(canRetry(testJob({ state: "succeeded", ...end }))).toBe(false);
    expect(canRetry(testJob({ state: "scheduled" }))).toBe(false);
  });
});

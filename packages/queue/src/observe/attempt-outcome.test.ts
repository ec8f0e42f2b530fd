import { describe, expect, it } from "vitest";
import { jobCrashedWorker, jobTimedOut } from "../errors.ts";
import type { JobTransition } from "../events/event.ts";
import { attemptOutcome } from "./attempt-outcome.ts";

const job = {
  id: "0199f3a0-0000-7000-8000-000000000001",
  task: "examples.add_numbers",
  queue: "examples",
  owner: null,
  state: "failed",
  attempt: 1,
} as const;
const anyError = { code: "file_empty", message: "Empty." };

describe("the outcome of the attempt that a transition ends", () => {
  it.each<[JobTransition["type"], Partial<JobTransition>, string]>([
    ["succeeded", { runMs: 1 }, "succeeded"],
    ["failed", { runMs: 1, error: anyError }, "failed"],
    ["failed", { runMs: 1, error: jobTimedOut }, "timed_out"],
    ["failed", { runMs: 1, error: jobCrashedWorker }, "crashed"],
    ["retry_scheduled", { runMs: 1, error: anyError }, "failed"],
    ["retry_scheduled", { runMs: 1, error: jobTimedOut }, "timed_out"],
    ["snoozed", { runMs: 1 }, "snoozed"],
    ["waiting", { runMs: 1 }, "snoozed"],
    ["handed_back", { runMs: 1 }, "handed_back"],
    ["crashed", { runMs: 1 }, "crashed"],
    ["cancelled", { runMs: 1 }, "cancelled"],
    ["cancelled", { runMs: 1, attempt: "crashed" }, "crashed"],
    ["cancelled", { runMs: 1, attempt: "handed_back" }, "handed_back"],
  ])("%s with %o is %s", (type, details, outcome) => {
    expect(attemptOutcome({ type, job, ...details })).toBe(outcome);
  });

  it.each<[string, JobTransition["type"]]>([
    ["a cancelled job that did not run", "cancelled"],
    ["a job that failed without running", "failed"],
    ["a job that starts", "started"],
    ["a cancel that was only asked for", "cancel_requested"],
    ["a job that expired", "expired"],
    ["a job that has its answer", "answered"],
  ])("is none for %s", (_name, type) => {
    expect(attemptOutcome({ type, job })).toBeUndefined();
  });
});

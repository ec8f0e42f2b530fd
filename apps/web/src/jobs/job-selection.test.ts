import { describe, expect, it } from "vitest";
import { testJob } from "../../test/sample-job.ts";
import { fitting, selectionOf } from "./job-selection.ts";

describe("selectionOf", () => {
  it("says the list's filters in the server's words", () => {
    const filters = { state: "failed", queue: "batch", error: "timeout", tag: undefined } as const;

    expect(selectionOf("retry", filters)).toEqual({ state: "failed", queue: "batch", error_code: "timeout" });
  });

  it("retries what failed when nothing is filtered", () => {
    expect(selectionOf("retry", {})).toEqual({ state: "failed" });
  });

  it("never cancels everything there is", () => {
    expect(selectionOf("cancel", {})).toBeUndefined();
  });

  it("keeps the times", () => {
    const filters = { created_after: "2026-11-20T12:00:00.000Z", finished_before: undefined };

    expect(selectionOf("cancel", filters)).toEqual({ created_after: "2026-11-20T12:00:00.000Z" });
  });

  it.each([{ worker: "mill" }, { search: "rye" }])(
    "means nothing by %o, of which the list knows a part",
    (part) => {
      expect(selectionOf("retry", { state: "failed", ...part })).toBeUndefined();
    },
  );

  it.each([
    ["retry", "running"],
    ["retry", "succeeded"],
    ["cancel", "failed"],
  ] as const)("can't %s what is %s", (action, state) => {
    expect(selectionOf(action, { state })).toBeUndefined();
  });
});

describe("fitting", () => {
  it("leaves out what the action can't change", () => {
    const failed = testJob({ id: "1", state: "failed", finished_at: "2026-11-20T12:01:00Z" });
    const running = testJob({ id: "2", state: "running" });

    expect(fitting("retry", [failed, running])).toEqual([failed]);
    expect(fitting("cancel", [failed, running])).toEqual([running]);
  });
});

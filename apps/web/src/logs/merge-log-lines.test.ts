import { describe, expect, it } from "vitest";
import { mergeLogLines } from "./merge-log-lines.ts";

describe("mergeLogLines", () => {
  const line = { job_id: "j", level: "info", step: null } as const;

  it("shows a line once that came by request and by event, oldest first", () => {
    const requested = [
      { ...line, id: "2", message: "second", created_at: "2026-11-20T12:00:02Z" },
      { ...line, id: "1", message: "first", created_at: "2026-11-20T12:00:01Z" },
    ];
    const live = [{ ...line, id: "event-9", message: "second", created_at: "2026-11-20T12:00:02Z" }];

    expect(mergeLogLines(requested, live).map(({ message }) => message)).toEqual(["first", "second"]);
  });
});

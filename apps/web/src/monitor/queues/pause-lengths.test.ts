import { describe, expect, it } from "vitest";
import { untilMoment } from "./pause-lengths.ts";

const nowMs = Date.parse("2026-11-20T12:00:00Z");

describe("untilMoment", () => {
  it("gives no moment for a pause without an end", () => {
    expect(untilMoment({ length: "", moment: "2026-11-21T08:00", nowMs })).toBeUndefined();
  });

  it("counts minutes from now", () => {
    expect(untilMoment({ length: "15", moment: "", nowMs })).toBe("2026-11-20T12:15:00.000Z");
  });

  it("reads a date and time in the reader's zone", () => {
    const until = untilMoment({ length: "moment", moment: "2026-11-21T08:00", nowMs });

    expect(until).toBe(new Date(2026, 10, 21, 8).toISOString());
  });
});

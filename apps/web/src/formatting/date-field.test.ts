import { describe, expect, it } from "vitest";
import { localText, momentOf } from "./date-field.ts";

describe("date fields", () => {
  it.each(["2026-11-20T12:00:00.000Z", "2026-07-01T00:00:30.000Z"])("keep %s", (moment) => {
    expect(momentOf(localText(moment))).toBe(moment);
  });

  it("are empty for no moment, and no moment when they are not one", () => {
    expect([localText(null), momentOf(""), momentOf("soon")]).toEqual(["", null, null]);
  });
});

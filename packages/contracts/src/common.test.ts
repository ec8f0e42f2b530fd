import { expect, it } from "vitest";
import { givenDaySchema, givenMomentSchema } from "./common.ts";

it.each([
  "2026-12-01T09:00:00Z",
  "2026-12-01T09:00:00.123Z",
  "2026-12-01T09:00:00+15:59",
  "0001-01-01T00:00:00Z",
])("%s is a moment", (text) => {
  expect(givenMomentSchema.safeParse(text).success).toBe(true);
});

it.each(["0000-01-01T00:00:00Z", "2026-12-01T09:00:00+20:00", "2026-12-01", "soon"])(
  "%s is none that a database knows",
  (text) => {
    expect(givenMomentSchema.safeParse(text).success).toBe(false);
  },
);

it("knows no day of the year 0", () => {
  expect(["0000-01-01", "0001-01-01"].map((day) => givenDaySchema.safeParse(day).success)).toEqual([
    false,
    true,
  ]);
});

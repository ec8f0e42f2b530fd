import { errorCode } from "@millrace/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseRateLimit } from "./rate-limit.ts";

it.each([
  ["100/s", { perSecond: 100, burst: 1 }],
  ["30/m", { perSecond: 0.5, burst: 1 }],
  ["9/h", { perSecond: 0.0025, burst: 1 }],
  ["0.5/s", { perSecond: 0.5, burst: 1 }],
  [" 6 / m ", { perSecond: 0.1, burst: 1 }],
])("reads %s", (text, limit) => {
  expect(parseRateLimit(text)).toEqual(limit);
});

it("lets as many start at once as the burst says", () => {
  expect(parseRateLimit({ limit: "60/m", burst: 5 })).toEqual({ perSecond: 1, burst: 5 });
  expect(parseRateLimit({ limit: "60/m" })).toEqual({ perSecond: 1, burst: 1 });
});

it.each(["", "10", "10/d", "/m", "-1/s", "0/s", "10/m/s", "1e3/s", "ten/m", `${"9".repeat(400)}/s`])(
  "refuses %s",
  (text) => {
    expect(() => parseRateLimit(text)).toThrow(expect.objectContaining({ code: "invalid_rate_limit" }));
  },
);

it.each([0, -1, 1.5, NaN, Infinity])("refuses a burst of %s", (burst) => {
  expect(() => parseRateLimit({ limit: "1/s", burst })).toThrow(
    expect.objectContaining({ code: "invalid_rate_limit" }),
  );
});

function codeOrPace(text: string): unknown {
  try {
    return parseRateLimit(text).perSecond;
  } catch (error) {
    return errorCode(error);
  }
}

it("gives a pace above zero, or says that it is no limit", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{1,6}\/[smhd]$/)), (text) => {
      const read = codeOrPace(text);

      expect(read === "invalid_rate_limit" || (Number.isFinite(read) && Number(read) > 0)).toBe(true);
    }),
  );
});

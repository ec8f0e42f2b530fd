import { describe, expect, it } from "vitest";
import { retryAfterSeconds } from "./retry-after.ts";

const now = new Date("2026-01-01T00:00:00Z");

describe("the pause a server asks for", () => {
  it("reads seconds, milliseconds and dates", () => {
    expect(retryAfterSeconds({ "retry-after": "7" }, now)).toBe(7);
    expect(retryAfterSeconds({ "retry-after-ms": "1500", "retry-after": "9" }, now)).toBe(1.5);
    expect(retryAfterSeconds({ "retry-after": "Thu, 01 Jan 2026 00:02:00 GMT" }, now)).toBe(120);
  });

  it("is at most an hour and never negative", () => {
    expect(retryAfterSeconds({ "retry-after": "999999" }, now)).toBe(3600);
    expect(retryAfterSeconds({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, now)).toBe(0);
  });

  it("is unknown without a usable header", () => {
    expect(retryAfterSeconds(undefined, now)).toBeUndefined();
    expect(retryAfterSeconds({}, now)).toBeUndefined();
    expect(retryAfterSeconds({ "retry-after": "-5" }, now)).toBeUndefined();
    expect(retryAfterSeconds({ "retry-after": "soon" }, now)).toBeUndefined();
  });
});

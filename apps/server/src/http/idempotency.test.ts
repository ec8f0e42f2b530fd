import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { parseIdempotencyKey, requestFingerprint } from "./idempotency.ts";

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return errorCode(error);
  }
}

describe("parseIdempotencyKey", () => {
  it.each([
    [undefined, undefined],
    ['"9f1c"', "9f1c"],
    ["9f1c-22_x:y", "9f1c-22_x:y"],
    [' "a b" ', "a b"],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    [`"${"k".repeat(255)}"`, "k".repeat(255)],
  ])("reads %j as %j", (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key);
  });

  it.each([
    "",
    '""',
    '"open',
    "a b",
    '"a", "b"',
    "a, b",
    "ü",
    '"a\u0001"',
    "k".repeat(256),
    `"${"k".repeat(256)}"`,
  ])("refuses %j", (header) => {
    expect(codeOf(() => parseIdempotencyKey(header))).toBe("invalid_idempotency_key");
  });
});

describe("requestFingerprint", () => {
  it("does not depend on the order of fields", () => {
    const first = requestFingerprint("POST /api/documents", { title: "a", nested: { x: 1, y: [1, 2] } });
    const second = requestFingerprint("POST /api/documents", { nested: { y: [1, 2], x: 1 }, title: "a" });

    expect(first).toBe(second);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });

  it("depends on values, on the order of lists and on the route", () => {
    const prints = [
      requestFingerprint("POST /api/documents", { a: [1, 2] }),
      requestFingerprint("POST /api/documents", { a: [2, 1] }),
      requestFingerprint("POST /api/documents", { a: ["1", 2] }),
      requestFingerprint("POST /api/jobs", { a: [1, 2] }),
    ];

    expect(new Set(prints).size).toBe(4);
  });
});

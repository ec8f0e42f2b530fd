import { MillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { retryAfter } from "./job-ending.ts";
import { storedError } from "./stored-error.ts";

function refusal(message: string): MillraceError {
  return new MillraceError({ code: "file_unreadable", kind: "invalid", message });
}

describe("storedError", () => {
  it("keeps the code and the words of an error of ours", () => {
    expect(storedError(refusal("The file is locked."), {})).toEqual({
      code: "file_unreadable",
      message: "The file is locked.",
    });
    expect(storedError(retryAfter({ delayMs: 1, code: "busy", message: "Busy." }), {})).toEqual({
      code: "busy",
      message: "Busy.",
    });
  });

  it("tells nothing of an error that was not written for people", () => {
    for (const thrown of [new Error("SELECT secret FROM /home/me"), "text", undefined]) {
      const { code, message } = storedError(thrown, {});
      expect(code).toBe("internal_error");
      expect(message).not.toMatch(/secret|text/);
    }
  });

  it("tells what any error says of a task that shows its errors", () => {
    expect(storedError(new TypeError("rows is not iterable"), { showErrors: true })).toEqual({
      code: "internal_error",
      message: "TypeError: rows is not iterable",
    });
    expect(storedError("text", { showErrors: true }).message).toBe("Error: text");
    expect(storedError(new Error("a\0b"), { showErrors: true }).message).toBe("Error: a\uFFFDb");
    expect(storedError(refusal("The file is locked."), { showErrors: true }).code).toBe("file_unreadable");
  });

  it("keeps nothing that the database would refuse", () => {
    expect(storedError(refusal("a\0b"), {}).message).toBe("a\uFFFDb");
    expect(storedError(refusal("a\uD800"), {}).message).toBe("a\uFFFD");
    const cut = storedError(refusal(`${"x".repeat(1_999)}😀`), {}).message;
    expect(cut).toHaveLength(2_000);
    expect(cut.isWellFormed()).toBe(true);
  });
});
